import { librariesIn } from "@assay/clickhouse-image"
import { expect, it } from "vitest"

const output = `	linux-vdso.so.1 (0x00007ff934cef000)
	libchdb.so => /somewhere/libchdb.so (0x00007ff934cd9000)
	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007ff911e1e000)
	/lib64/ld-linux-x86-64.so.2 (0x00007ff934cf1000)
`

it("the libraries of a program are those that lie on the disk, with the loader and without libchdb", () => {
  expect(librariesIn(output)).toEqual(["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"])
})

it("a library that isn't there is an error, libchdb apart, which is put in from elsewhere", () => {
  expect(() => librariesIn("	libm.so.6 => not found\n")).toThrow(/libm\.so\.6/)
  expect(librariesIn("	libchdb.so => not found\n")).toEqual([])
})

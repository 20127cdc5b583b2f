import { connect } from "node:net"

/** Whether something listens on a port of this machine. */
export const listens = (port: number): Promise<boolean> =>
  new Promise((answer) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("error", () => answer(false)).once("connect", () => {
      socket.destroy()
      answer(true)
    })
  })

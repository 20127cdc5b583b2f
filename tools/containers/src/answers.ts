/** `node tools/containers/src/answers.ts`: exit code 0 where a container engine answers, 1 where none does. */
import { engineAnswers } from "./engine.ts"

process.exit((await engineAnswers()) ? 0 : 1)

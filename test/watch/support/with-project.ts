import { DockerEngine } from "../../support/docker-engine.ts";
import { makeImages, projectProblem, TestProject } from "./project.ts";

/**
 * Gives every test of a suite a project of its own on one engine; the tests are defined by `define`. Where there is no
 * engine, one test says why.
 */
export function withProject(define: (project: () => TestProject, engine: DockerEngine) => void): void {
  const problem = projectProblem();
  if (problem !== undefined) {
    it("is not tested here", () => {
      process.stdout.write(`      not tested here: ${problem}\n`);
    });
    return;
  }
  const engine = new DockerEngine({ networks: true });
  let images: ReturnType<typeof makeImages>;
  let project: TestProject | undefined;
  before(async () => {
    await engine.start();
    images = makeImages(engine);
  });
  beforeEach(() => {
    project = new TestProject(engine, images);
  });
  afterEach(async () => {
    await project?.close();
    project = undefined;
  });
  after(() => engine.stop());
  define(() => {
    if (project === undefined) throw new Error("a project is there in tests only");
    return project;
  }, engine);
}

import { suiteParts } from "./lib/suite.ts";
import { scenarios } from "./scenarios.ts";

/** What `npm run bench -- --help` prints. */
export const usage = `npm run bench -- --quick [--json FILE]
npm run bench -- [scenario] [--connections N] [--seconds N] [--frame-ms N] [--codec adpcm|pcm16] [--acks]
                 [--compare-acks | --peers [--rounds N]] [--json FILE]
npm run bench -- goals [--only PART,PART] [--check] [--json FILE]
npm run bench -- curves [--connections N,N,N] [--seconds N] [--rounds N] [--json FILE]
npm run bench -- capacity [--connections N,N,N] [--seconds N] [--json FILE]
npm run bench -- flood-peers [--seconds N] [--rounds N] [--json FILE]
npm run bench -- connect | storm [--connections N] [--rounds N] [--json FILE]
npm run bench -- finishing | recovery | uploads [--segments N] [--json FILE]
npm run bench -- export [--minutes N] [--rounds N] [--json FILE]
npm run bench -- catalog [--segments N] [--keep DIR] [--json FILE]
npm run bench -- compare BEFORE.json AFTER.json

  --quick          the most telling figures beside the goals, in less than two minutes
  --only           parts of a suite: ${suiteParts.join(", ")}
  --acks           with acknowledgements
  --compare-acks   run the scenario without and with acknowledgements in turn, and compare
  --peers          run the scenario with this server and with simple ones in turn, and compare
  --rounds         how often each takes its turn; the figure is the median, the spread stands beside it
  --check          fail when a goal is not met
  --ingest-workers processes that take devices, of this project's server in whatever is measured; default: auto
  --json           write the figures and what they were measured on to a file, for \`compare\`
  --segments       finishing: segments of 10 s that are derived (200); recovery: open segments that were left (2 000);
                   uploads: segments of 1 s whose three files go to a store (1 000); catalog: size of the catalogue (200 000)
  --keep           folder to keep the catalogue in, or to take it from

Scenarios:
${scenarios.map(({ name, codec, description }) => `  ${name.padEnd(15)}${description}, ${codec}`).join("\n")}
Others:
  goals         all that has a goal, as large as the goal says (about 45 minutes)
  curves        what a frame costs this server and its peers against the number of streams
  capacity      how many streams a server on one core carries in real time
  flood-peers   the flood, against the floor
  finishing     what it costs to derive a closed segment's files, in one thread
  recovery      how long a server that was killed takes to finish what it left
  connect       how long devices take that connect one after another, against the floor
  storm         the same when all connect at once
  export        a range as WAV against \`cat\` of a file of that size, and pictures of it
  uploads       how fast many small objects reach a store on this machine
  catalog       how long questions to a large catalogue take
  compare       what changed from one result to another`;

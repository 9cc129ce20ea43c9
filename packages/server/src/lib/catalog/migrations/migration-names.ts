/** Every change of the catalogue's schema, in order. Of a catalogue that knows them all none has to be loaded. */
export const migrationNames = [
  "001-initial",
  "002-durable-delivery",
  "003-events",
  "004-retention",
  "005-reading",
  "006-open-sessions",
  "007-segment-ids",
  "008-unknown-recordings",
  "008-upload-backlogs",
  "009-cheaper-uploads",
  "010-device-clocks",
  "011-awaited-segments",
  "012-presence",
  "013-evicted-overviews",
] as const;

/** Which stream of a device is meant; nothing where there is one. */
export function StreamChooser(props: {
  readonly streamIds: readonly number[];
  readonly chosen: number | undefined;
  onChoose(streamId: number): void;
}) {
  const { streamIds, chosen, onChoose } = props;
  if (streamIds.length < 2) return null;
  return (
    <select
      class="field"
      aria-label="Stream"
      title="The device sends several streams"
      value={chosen ?? ""}
      onChange={(event) => onChoose(Number(event.currentTarget.value))}
    >
      {streamIds.map((streamId) => (
        <option key={streamId} value={streamId}>
          Stream {streamId}
        </option>
      ))}
    </select>
  );
}

/** Ids that are live or were recorded, in order, each once. */
export function mergeStreamIds(...lists: readonly (readonly number[])[]): readonly number[] {
  return [...new Set(lists.flat())].sort((one, other) => one - other);
}

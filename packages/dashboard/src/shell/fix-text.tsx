/** Words of the table of errors, in which commands stand between backticks. */
export function FixText({ text }: { readonly text: string }) {
  return <>{text.split("`").map((part, at) => (at % 2 === 0 ? part : <code key={part}>{part}</code>))}</>;
}

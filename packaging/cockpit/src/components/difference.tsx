/** A unified difference, as the command prints it. */
export function Difference({ text }: { readonly text: string }) {
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line, index) => ({ line, key: `${index}:${line}` }))
  return (
    // Keyboards scroll what has the focus.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls
    <section aria-label="Difference" tabIndex={0} className="vq-diff">
      <code>
        {lines.map(({ line, key }) => (
          <DifferenceLine key={key} line={line} />
        ))}
      </code>
    </section>
  )
}

function DifferenceLine({ line }: { readonly line: string }) {
  const isMark = (mark: '+' | '-'): boolean => line.startsWith(mark) && !line.startsWith(mark.repeat(3))
  if (isMark('+')) return <ins>{`${line}\n`}</ins>
  if (isMark('-')) return <del>{`${line}\n`}</del>
  return `${line}\n`
}

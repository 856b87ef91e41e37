import { ClipboardCopyButton, CodeBlock, CodeBlockAction, CodeBlockCode } from '@patternfly/react-core'
import { useEffect, useId, useState } from 'react'

/** Long enough to be read. */
const SAID_MS = 3000

/** Lines to paste elsewhere. @param what names them: 'the commands of step 1' */
export function Copyable({ text, what }: { readonly text: string; readonly what: string }) {
  const id = useId()
  const [isCopied, setCopied] = useState(false)
  useEffect(() => {
    if (!isCopied) return
    const timer = setTimeout(() => setCopied(false), SAID_MS)
    return () => clearTimeout(timer)
  }, [isCopied])
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      // Without permission the text can still be selected.
      () => setCopied(false),
    )
  }
  return (
    <CodeBlock
      actions={
        <CodeBlockAction>
          <ClipboardCopyButton
            id={`${id}-copy`}
            textId={id}
            aria-label={`Copy ${what}`}
            variant="plain"
            onClick={copy}
          >
            {isCopied ? 'Copied' : `Copy ${what}`}
          </ClipboardCopyButton>
        </CodeBlockAction>
      }
    >
      <CodeBlockCode id={id}>{text}</CodeBlockCode>
    </CodeBlock>
  )
}

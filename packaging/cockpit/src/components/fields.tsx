import { Form, FormGroup, TextInput } from '@patternfly/react-core'
import type { ReactNode } from 'react'

/** A form that is sent to nobody: the page acts on it. */
export function ActionForm({
  onSubmit,
  children,
}: {
  readonly onSubmit: () => void
  readonly children: ReactNode
}) {
  return (
    <Form
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit()
      }}
    >
      {children}
    </Form>
  )
}

export function TextField({
  id,
  label,
  value,
  onChange,
  keyboard,
}: {
  readonly id: string
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  /** Of a telephone. */
  readonly keyboard?: 'numeric' | 'decimal'
}) {
  return (
    <FormGroup label={label} fieldId={id}>
      <TextInput
        id={id}
        value={value}
        onChange={(_, next) => onChange(next)}
        {...(keyboard === undefined ? {} : { inputMode: keyboard })}
      />
    </FormGroup>
  )
}

/** A share as a bar, beside the number that says it. */
export function Bar({ share }: { readonly share: number }) {
  return (
    <svg className="vq-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect width="100" height="8" />
      <rect className="vq-mark" width={Math.min(1, share) * 100} height="8" />
    </svg>
  )
}

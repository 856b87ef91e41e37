/** The kernel's limit of queues for one tap (MAX_TAP_QUEUES); libvirt's XML has none, the start fails. */
export const MAX_QUEUES = 256

/** What tells whose guest this is and cannot be told from its form: names and serial numbers. */
import type { System } from '../system/system'
import type { Identity } from './anonymise'

const DMI_SERIALS = ['product_serial', 'product_uuid', 'board_serial', 'chassis_serial', 'chassis_asset_tag']

/** A file that cannot be read, as serial numbers cannot without root, is in no capture either. */
export function readIdentity(system: System): Identity {
  const { paths } = system
  const hosts = [read(system, paths.procHostname)].filter((name) => name !== '')
  const resolver = read(system, paths.resolvConf)
  const searched = [...resolver.matchAll(/^(?:search|domain)[ \t]+(.*)$/gm)].flatMap(([, names = '']) =>
    names.trim().split(/\s+/),
  )
  const own = hosts.map((host) => host.split('.').slice(1).join('.'))
  const domain = read(system, paths.procDomainName)
  return {
    hosts,
    domains: [...new Set([...own, ...searched, domain === '(none)' ? '' : domain])].filter(
      (name) => name !== '',
    ),
    serials: [...DMI_SERIALS.map((file) => `${paths.sysDmi}/${file}`), paths.machineId]
      .map((file) => read(system, file))
      .filter((serial) => serial !== ''),
  }
}

function read(system: System, path: string): string {
  try {
    return (system.readText(path) ?? '').trim()
  } catch {
    return ''
  }
}

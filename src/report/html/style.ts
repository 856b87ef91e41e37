/** The look of the page, light and dark. No font or image: the page loads nothing. */
export const STYLE = `
:root{color-scheme:light dark;--paper:#f4f6f9;--card:#fff;--line:#dde3ea;--ink:#17202b;--soft:#5b6776;--track:#e6eaf0;
--rx:#2463d9;--tx:#d97f06;--softirq:#7c4fe0;--stolen:#cf2f3b;--for:#157347;--forbg:#e0f3e8;--against:#b02a37;--againstbg:#fbe5e7;--openbg:#e9edf2;--heat:36 99 217}
@media (prefers-color-scheme:dark){:root{--paper:#0e131a;--card:#171e28;--line:#2a3442;--ink:#e7ecf2;--soft:#9aa7b8;--track:#263040;
--rx:#6ea2ff;--tx:#f0a93f;--softirq:#ac8cff;--stolen:#ff6b76;--for:#6fdba4;--forbg:#123524;--against:#ff8d97;--againstbg:#3d1a20;--openbg:#263040;--heat:110 162 255}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:960px;margin:0 auto;padding:28px 16px 48px}
h1{font-size:26px;line-height:1.2;margin:0 0 4px}h2{font-size:20px;margin:0 0 14px}h3{font-size:15px;margin:24px 0 8px}
p{margin:0}.soft,.note{color:var(--soft)}.note{font-size:13px}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:20px;margin-top:20px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:10px}
.tile{border:1px solid var(--line);border-radius:8px;padding:10px 12px}
.tile strong{display:block;font-size:22px;line-height:1.3;font-variant-numeric:tabular-nums}.tile span{display:block;font-size:13px;color:var(--soft)}
.conditions{list-style:none;margin:0;padding:0}
.conditions li{display:grid;grid-template-columns:116px 1fr;gap:2px 12px;padding:8px 0;border-top:1px solid var(--line)}
.conditions li:first-child{border-top:0}.conditions .why{grid-column:2;color:var(--soft);font-size:14px}
.badge{justify-self:start;align-self:start;border-radius:99px;padding:1px 10px;font-size:13px;font-weight:600;background:var(--openbg);color:var(--soft)}
.badge.for{background:var(--forbg);color:var(--for)}.badge.against{background:var(--againstbg);color:var(--against)}
.row{display:grid;grid-template-columns:76px minmax(80px,1fr) minmax(0,300px);gap:2px 12px;align-items:center;padding:3px 0;font-variant-numeric:tabular-nums}
.row svg{display:block;width:100%;height:16px;border-radius:4px}
.track{fill:var(--track)}.rx,.busy{fill:var(--rx)}.tx{fill:var(--tx)}.softirq{fill:var(--softirq)}.stolen{fill:var(--stolen)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:8px 0 0;font-size:13px;color:var(--soft)}
.legend svg{width:11px;height:11px;margin-right:6px;vertical-align:-1px}
.scroll{overflow-x:auto}
.map{border-collapse:separate;border-spacing:2px;font-size:13px;font-variant-numeric:tabular-nums}
.map th{font-weight:500;color:var(--soft);padding:2px 8px;text-align:right;white-space:nowrap}
.map td{min-width:46px;height:26px;padding:0 6px;text-align:center;border-radius:4px;background:rgb(var(--heat)/var(--heat-share,0));box-shadow:inset 0 0 0 1px var(--line)}
.facts{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:6px 20px;margin:0}.facts dt{color:var(--soft)}.facts dd{margin:0;text-align:right;font-variant-numeric:tabular-nums}
@media (max-width:640px){section{padding:16px 14px}.row{grid-template-columns:64px minmax(0,1fr)}.row .note{grid-column:2}
.conditions li{grid-template-columns:1fr}.conditions .why{grid-column:1}}
`

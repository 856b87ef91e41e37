/**
 * The mutants of a TypeScript source: small changes of its meaning, each of which some test should notice. Types,
 * imports and the text inside template strings are left alone.
 */
import ts from 'typescript'

const BINARY = new Map([
  ['<', ['<=', '>=']],
  ['<=', ['<', '>']],
  ['>', ['>=', '<=']],
  ['>=', ['>', '<']],
  ['===', ['!==']],
  ['!==', ['===']],
  ['&&', ['||']],
  ['||', ['&&']],
  ['??', ['&&']],
  ['+', ['-']],
  ['-', ['+']],
  ['*', ['/']],
  ['/', ['*']],
  ['%', ['*']],
  ['+=', ['-=']],
  ['-=', ['+=']],
])

/** Other methods of the same shape; undefined: the call goes and its receiver stays. */
const METHODS = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['min', 'max'],
  ['max', 'min'],
  ['floor', 'ceil'],
  ['filter', undefined],
  ['sort', undefined],
  ['has', undefined],
])

/**
 * @param {string} file name for messages
 * @param {string} text its source
 * @returns {{ file: string, line: number, from: number, to: number, kind: string, was: string, text: string }[]} replace from..to by text
 */
export function mutantsOf(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
  const found = []
  const add = (kind, from, to, replacement) => {
    const was = text.slice(from, to)
    if (was === replacement) return
    const line = source.getLineAndCharacterOfPosition(from).line + 1
    found.push({ file, line, from, to, kind, was, text: replacement })
  }
  const replace = (kind, node, replacement) => add(kind, node.getStart(source), node.end, replacement)
  const of = (node) => node.getText(source)

  const visit = (node) => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node)) return
    if (ts.isTypeAliasDeclaration(node)) return
    if (ts.isBinaryExpression(node)) {
      for (const other of BINARY.get(of(node.operatorToken)) ?? [])
        replace('operator', node.operatorToken, other)
    } else if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
      replace('negation', node, of(node.operand))
    } else if (ts.isPostfixUnaryExpression(node)) {
      replace('operator', node, `${of(node.operand)}${of(node).endsWith('++') ? '--' : '++'}`)
    } else if (ts.isConditionalExpression(node)) {
      replace('choice', node, `(${of(node.whenTrue)})`)
      replace('choice', node, `(${of(node.whenFalse)})`)
    } else if (ts.isIfStatement(node)) {
      replace('condition', node.expression, 'true')
      replace('condition', node.expression, 'false')
    } else if (ts.isForStatement(node) && node.condition !== undefined) {
      replace('condition', node.condition, 'false')
    } else if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { name, expression } = node.expression
      if (METHODS.has(name.text)) {
        const other = METHODS.get(name.text)
        if (other !== undefined) replace('method', name, other)
        else if (name.text === 'has') {
          replace('method', node, 'true')
          replace('method', node, 'false')
        } else replace('method', node, of(expression))
      }
    } else if (ts.isExpressionStatement(node) || ts.isContinueStatement(node) || ts.isThrowStatement(node)) {
      replace('statement', node, ';')
    } else if (ts.isReturnStatement(node) && node.expression !== undefined) {
      replace('statement', node, 'return undefined')
    } else if (node.kind === ts.SyntaxKind.TrueKeyword) replace('boolean', node, 'false')
    else if (node.kind === ts.SyntaxKind.FalseKeyword) replace('boolean', node, 'true')
    else if (ts.isNumericLiteral(node)) {
      replace('number', node, `${Number(node.text) + 1}`)
      if (Number(node.text) > 0) replace('number', node, `${Number(node.text) - 1}`)
    } else if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
      const isKey = ts.isPropertyAssignment(node.parent) && node.parent.name === node
      if (!isKey) replace('text', node, node.text === '' ? "'mutant'" : "''")
    } else if (ts.isTemplateExpression(node)) replace('text', node, '``')
    else if (ts.isArrayLiteralExpression(node) && node.elements.length > 0) replace('list', node, '[]')
    else if (ts.isSpreadAssignment(node)) replace('spread', node, '...{}')
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

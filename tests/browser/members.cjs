// node members.cjs FILE…: what the classes in these files have, as JSON {class: [names]}; without
// what is private, and what says of itself that it is for others.
const fs = require("node:fs");
const ts = require("typescript");

const found = {};

function names(member) {
  if (ts.isConstructorDeclaration(member)) return assigned(member.body);
  if (!member.name || ts.isPrivateIdentifier(member.name)) return [];
  const flags = ts.getCombinedModifierFlags(member);
  if (flags & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) return [];
  const words = ts.getJSDocCommentsAndTags(member).map((doc) => doc.getText()).join();
  if (/^\/\*\*\s*(\*\s*)?For the /.test(words) || words.includes("@protected")) return [];
  return [member.name.getText()];
}

/** What a constructor gives `this`. */
function assigned(body) {
  const names = [];
  for (const statement of body?.statements ?? []) {
    const {expression} = statement;
    if (expression?.operatorToken?.kind !== ts.SyntaxKind.EqualsToken) continue;
    const {left} = expression;
    if (left.expression?.kind === ts.SyntaxKind.ThisKeyword && ts.isIdentifier(left.name)) {
      names.push(left.name.text);
    }
  }
  return names;
}

for (const file of process.argv.slice(2)) {
  const source = ts.createSourceFile(file, fs.readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  for (const statement of source.statements) {
    if (!ts.isClassDeclaration(statement)) continue;
    found[statement.name.text] = [...new Set(statement.members.flatMap(names))].sort();
  }
}
console.log(JSON.stringify(found));

// Reads [{"name", "dialect": "trino" | "hive", "text"}] on stdin; prints [{"name", "errors": [{"line", "message"}]}].
import { HiveSQL, TrinoSQL } from 'dt-sql-parser';
import { readFileSync } from 'node:fs';

const parsers = { trino: new TrinoSQL(), hive: new HiveSQL() };
const statements = JSON.parse(readFileSync(0, 'utf8'));
const verdicts = statements.map(({ name, dialect, text }) => ({
  name,
  errors: parsers[dialect].validate(text).map(({ startLine, message }) => ({ line: startLine, message })),
}));
process.stdout.write(JSON.stringify(verdicts));

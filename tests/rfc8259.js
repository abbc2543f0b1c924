// SPDX-License-Identifier: ISC
// Compare check_json with JSONTestSuite and with JSON.parse on mutated texts.
'use strict';
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');

const [judge, mode, ...args] = process.argv.slice(2);
const DEPTH = 64;

// The answers of check_json for many texts, a line each.
function check(texts) {
	const parts = [];
	for (const text of texts) {
		const head = Buffer.alloc(4);
		head.writeUInt32LE(text.length);
		parts.push(head, text);
	}
	const run = spawnSync(judge, [], {
		input: Buffer.concat(parts), maxBuffer: 1 << 26,
	});
	const lines = run.stdout.toString().trimEnd().split('\n');
	if (run.status !== 0 || lines.length !== texts.length)
		throw new Error(`${judge}: ${run.signal || run.status}: ` +
		    run.stderr);
	return lines;
}

function read(dir) {
	return fs.readdirSync(dir).sort().map(name =>
		({ name, text: fs.readFileSync(path.join(dir, name)) }));
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function parse(bytes) {
	try {
		return { value: JSON.parse(utf8.decode(bytes)) };
	} catch (e) {
		return null;
	}
}

// How deep a JSON text nests, by its brackets outside strings: the value
// does not tell, it lacks what a later member with the same name replaced.
function depth(text) {
	let now = 0, most = 0, quoted = false;
	for (let i = 0; i < text.length; i++) {
		const c = String.fromCharCode(text[i]);
		if (quoted && c === '\\')
			i++;
		else if (c === '"')
			quoted = !quoted;
		else if (!quoted && (c === '[' || c === '{'))
			most = Math.max(most, ++now);
		else if (!quoted && (c === ']' || c === '}'))
			now--;
	}
	return most;
}

// What stands at a.b, or undefined.
function member(v, name) {
	return v !== null && typeof v === 'object' && !Array.isArray(v) &&
	    Object.prototype.hasOwnProperty.call(v, name) ? v[name] : undefined;
}

// Why the judge and node differ on a text, '' if they do not.
function differs(text, line) {
	const [yes, from, length] = line.split(' ').map(Number);
	const theirs = parse(text);
	const deep = theirs !== null && depth(text) > DEPTH;
	if (!yes)
		return theirs === null ? '' : deep ? 'deep' : 'refused';
	if (theirs === null || deep)
		return 'accepted';
	const want = member(member(theirs.value, 'a'), 'b');
	if ((want === undefined) !== (from === undefined))
		return 'found';
	if (want !== undefined && JSON.stringify(want) !== JSON.stringify(
	    parse(text.subarray(from, from + length)).value))
		return 'value';
	return '';
}

// mulberry32: the same numbers for the same seed.
function random(seed) {
	return below => {
		seed = seed + 0x6d2b79f5 | 0;
		let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
		t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
		return ((t ^ t >>> 14) >>> 0) % below;
	};
}

const TOKENS = [
	'{', '}', '[', ']', ',', ':', '"', '\\', '"a":', '"b":', '"\\u0061":',
	'{"a":{"b":', '{"b":1}', '"a":{"b":2},', '\\u', '\\ud83d', '\\ude00',
	'\\u0000', '\\n', '\\/', '0', '-', '.', 'e', '+', '1E-2', '-0', '00',
	'true', 'false', 'null', 'NaN', 'Infinity', '//', '/**/', "'", ' ',
	'\t', '\n', '\r', '\v', '\f', '\u00a0', '\u2028', '\ufeff', '\u0000',
	'\x1f', '\x7f', 'é', '漢', '😀', '__proto__', '[[[[[[[[', ']]]]]]]]',
].map(s => Buffer.from(s)).concat([
	[0xc0, 0x80], [0xe0, 0x9f, 0xbf], [0xed, 0x9f, 0xbf], [0xed, 0xa0, 0x80],
	[0xf0, 0x8f, 0xbf, 0xbf], [0xf4, 0x8f, 0xbf, 0xbf],
	[0xf4, 0x90, 0x80, 0x80], [0xff], [0x80], [0xe2, 0x82],
].map(b => Buffer.from(b)));

const SEEDS = [
	'{"a":{"b":[1,2.5e-3,"x"]},"c":null}',
	'{"a":{"b":1},"a":{"b":"\\u00e9\\n"},"b":{"a":true}}',
	'{"\\u0061":{"b":{"a":{"b":0}}},"a":{"\\u0062":"last"}}',
	'[{"a":1},{"b":[]},{},[],"",-0.0,1e10,true,false,null]',
	'  {"a" : {"x":1, "b" : "a longer text of many bytes é 漢 😀" } } ',
	'['.repeat(DEPTH) + ']'.repeat(DEPTH),
	'{"a":'.repeat(DEPTH) + '1' + '}'.repeat(DEPTH),
	'"0123456789abcdef0123456789abcdef\\\\\\"/\\b\\f\\r\\t"',
].map(s => Buffer.from(s));

// The text with another in place of one of its small values.
function graft(text, other, rand) {
	const all = [...text.toString('latin1')
		.matchAll(/null|true|false|\d+|\{\}|\[\]|"[^"\\]*"/g)];
	if (all.length === 0)
		return other;
	const at = all[rand(all.length)];
	return Buffer.concat([text.subarray(0, at.index), other,
	    text.subarray(at.index + at[0].length)]);
}

// Half of the texts come from the seeds, a quarter is only grafted.
function mutate(pool, rand) {
	const pick = () => rand(2) ? SEEDS[rand(SEEDS.length)] :
	    pool[rand(pool.length)];
	let text = pick();
	if (rand(2))
		text = graft(text, pick(), rand);
	for (let n = rand(2) * (1 + rand(3)); n > 0; n--) {
		const at = rand(text.length + 1);
		const end = Math.min(text.length, at + 1 + rand(8));
		const head = text.subarray(0, at), tail = text.subarray(end);
		const token = TOKENS[rand(TOKENS.length)];
		const other = pick();
		switch (rand(7)) {
		case 0:
			text = Buffer.concat([head, tail]);
			break;
		case 1:
			text = Buffer.concat([head, token, text.subarray(at)]);
			break;
		case 2:
			text = Buffer.concat([head, token, tail]);
			break;
		case 3:
			text = Buffer.from(text);
			if (at < text.length)
				text[at] = rand(256);
			break;
		case 4:
			text = Buffer.concat([text.subarray(0, end),
			    text.subarray(at)]);
			break;
		case 5:
			text = Buffer.concat([head, other,
			    text.subarray(at)]);
			break;
		case 6:
			text = Buffer.concat([head,
			    other.subarray(rand(other.length + 1))]);
			break;
		}
	}
	return text.subarray(0, 2048);
}

// Prints the figures, and the first of what differs.
function differential(dir, seed, count) {
	const pool = read(dir).map(f => f.text)
		.filter(text => text.length > 0 && text.length < 1024);
	const rand = random(seed);
	let same = 0, both = 0, found = 0, deep = 0, other = 0;
	for (let left = count; left > 0; left -= 10000) {
		const texts = [];
		for (let i = 0; i < Math.min(left, 10000); i++)
			texts.push(mutate(pool, rand));
		check(texts).forEach((line, i) => {
			const why = differs(texts[i], line);
			both += why === '' && line !== '0';
			found += why === '' && line.includes(' ');
			if (why === '')
				same++;
			else if (why === 'deep')
				deep++;
			else if (other++ < 10)
				console.error(why, line,
				    JSON.stringify(texts[i].toString('latin1')));
		});
	}
	console.log(`P9: ${count} mutated texts (seed ${seed}): ` +
	    `${both} JSON to both, ${found} of them with a.b, ` +
	    `${deep} deeper than ${DEPTH}, ${other} differences`);
	return other === 0 && same + deep === count && both > count / 10;
}

// Prints how many texts of a kind are accepted.
function suite(dir, kind, want) {
	const files = read(dir).filter(f => f.name.startsWith(kind));
	const wrong = check(files.map(f => f.text)).map((line, i) =>
		line[0] === want ? '' : files[i].name).filter(name => name);
	console.log(`P9: ${files.length - wrong.length} of ${files.length} ` +
	    `${kind} texts ${want === '1' ? 'accepted' : 'refused'}`);
	wrong.forEach(name => console.error(name));
	return files.length > 0 && wrong.length === 0;
}

// Prints the names of the texts of a kind that are accepted.
function accepted(dir, kind) {
	const files = read(dir).filter(f => f.name.startsWith(kind));
	check(files.map(f => f.text)).forEach((line, i) => {
		if (line[0] === '1')
			console.log(files[i].name);
	});
	return true;
}

const modes = {
	accepted, suite,
	differential: (dir, seed, count) =>
		differential(dir, Number(seed), Number(count)),
};
process.exitCode = modes[mode](...args) ? 0 : 1;

// SPDX-License-Identifier: ISC
// JSON.parse of a file over and over: megabytes a second.
'use strict'
const bytes = require('fs').readFileSync(process.argv[2])

function speed(seconds) {
	const start = process.hrtime.bigint()
	let n = 0, took
	do {
		JSON.parse(bytes)
		n++
	} while ((took = Number(process.hrtime.bigint() - start) / 1e9) < seconds)
	return n * bytes.length / took / 1e6
}

speed(0.2)
console.log('parse=' + speed(0.2).toFixed(1))

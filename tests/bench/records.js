// SPDX-License-Identifier: ISC
// Webhooks of N builds in a directory, each as a body, its signature and the
// request record that tack-http would make of them; and JSON texts.
//	node records.js directory N
'use strict'
const crypto = require('crypto')
const fs = require('fs')
const data = __dirname + '/../data/buildkite/'

const [directory, count] = process.argv.slice(2)
const secret = process.env.SECRET
const body = fs.readFileSync(data + 'webhook-build-running.json', 'utf8')
const { id, meta_data: { 'tack:pipeline_rkey': rkey } } = JSON.parse(body).build
const at = Math.floor(Date.now() / 1000)

for (let i = 1; i <= count; i++) {
	const text = body.replace(id, crypto.randomUUID())
		.replace(rkey, '3' + crypto.randomBytes(8).toString('hex').slice(0, 12))
	const header = `timestamp=${at},signature=` +
		crypto.createHmac('sha256', secret).update(`${at}.${text}`)
			.digest('hex')
	fs.writeFileSync(`${directory}/${i}.body`, text)
	fs.writeFileSync(`${directory}/${i}.signature`, header)
	fs.writeFileSync(`${directory}/${i}.json`, JSON.stringify({ request: {
		method: 'POST', path: '/webhooks/buildkite', query: '',
		headers: { 'content-type': 'application/json',
			'x-buildkite-signature': header },
		body: Buffer.from(text).toString('base64'), at } }) + '\n')
}

// A build with ever more jobs.
const large = JSON.parse(fs.readFileSync(data + 'rest-build-large.json'))
const event = JSON.parse(body)
for (const [name, size] of [['5k', 5e3], ['50k', 5e4], ['1m', 1e6]]) {
	event.build.jobs = []
	for (let n = 0, i = 0; n + body.length < size; i++) {
		event.build.jobs.push(large.jobs[i % large.jobs.length])
		n += JSON.stringify(event.build.jobs[i]).length
	}
	fs.writeFileSync(`${directory}/${name}.text`, JSON.stringify(event))
}

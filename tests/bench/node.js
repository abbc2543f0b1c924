// SPDX-License-Identifier: ISC
// The peer one would write in node: webhooks into SQLite, events to WebSockets.
//	node node.js database [port]
// POST /webhooks/buildkite: HMAC over the raw body, freshness, JSON, then one
// transaction with synchronous=FULL (mapping, status, event), then the 2xx.
// /events?cursor=N: the log after N, then what follows, notified in memory.
// A text sent to /events appends an event.
'use strict'
const crypto = require('crypto')
const fs = require('fs')
const http = require('http')
const Database = require('better-sqlite3')
const { WebSocketServer } = require('ws')

const secret = process.env.SECRET
const db = new Database(process.argv[2])
db.pragma('journal_mode = WAL')
db.pragma('synchronous = FULL')
db.exec(fs.readFileSync(__dirname + '/schema.sql', 'utf8'))

const nsid = 'sh.tangled.pipeline.status'
const lookup = db.prepare(
	'SELECT knot FROM build WHERE provider = ? AND build_id = ?')
const save = db.prepare('INSERT INTO build (provider, build_id, knot,' +
	' pipeline_rkey, workflow, number, pipeline, web_url)' +
	' VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
const look = db.prepare('SELECT status FROM status' +
	' WHERE knot = ? AND pipeline_rkey = ? AND workflow = ?')
const store = db.prepare('INSERT INTO status (knot, pipeline_rkey,' +
	' workflow, status, created_at) VALUES (?, ?, ?, ?, ?)' +
	' ON CONFLICT DO UPDATE SET status = excluded.status,' +
	' created_at = excluded.created_at')
const append = db.prepare('INSERT INTO event (created, rkey, nsid, event)' +
	' VALUES (?, ?, ?, ?)')
const page = db.prepare('SELECT created, rkey, nsid, event FROM event' +
	' WHERE created > ? ORDER BY created LIMIT 500').safeIntegers()

let last = db.prepare('SELECT max(created) FROM event').pluck()
	.safeIntegers().get() ?? 0n

function publish(record) {
	const clock = BigInt(Date.now()) * 1000000n
	last = clock > last ? clock : last + 1n
	append.run(last, last.toString(32), nsid, JSON.stringify(record))
}

const publishAlone = db.transaction(publish)

const accept = db.transaction((build) => {
	const meta = build.meta_data
	const ref = [meta['tack:knot'], meta['tack:pipeline_rkey'],
		meta['tack:workflow']]
	if (!lookup.get('buildkite', build.id))
		save.run('buildkite', build.id, ...ref, String(build.number),
			build.pipeline?.slug, build.web_url)
	if (look.get(...ref)?.status === build.state)
		return false
	const now = Date.now()
	store.run(...ref, build.state, now)
	publish({ $type: nsid,
		pipeline: `at://did:web:${ref[0]}/sh.tangled.pipeline/${ref[1]}`,
		workflow: ref[2], status: build.state,
		createdAt: new Date(now).toISOString() })
	return true
})

function genuine(header, body) {
	const fields = new Map((header ?? '').split(',')
		.map((field) => field.split('=')))
	const at = fields.get('timestamp') ?? ''
	const mac = Buffer.from(fields.get('signature') ?? '', 'hex')
	const want = crypto.createHmac('sha256', secret)
		.update(at + '.').update(body).digest()
	return mac.length === want.length &&
		crypto.timingSafeEqual(mac, want) &&
		Math.abs(Date.now() / 1000 - Number(at)) <= 300
}

function answer(res, code) {
	res.writeHead(code, { 'Content-Length': 0 })
	res.end()
}

const server = http.createServer((req, res) => {
	if (req.method !== 'POST' || req.url !== '/webhooks/buildkite')
		return answer(res, 404)
	const chunks = []
	req.on('data', (chunk) => chunks.push(chunk))
	req.on('end', () => {
		const body = chunks.length === 1 ? chunks[0] :
			Buffer.concat(chunks)
		if (!genuine(req.headers['x-buildkite-signature'], body))
			return answer(res, 401)
		let news
		try {
			news = accept(JSON.parse(body).build)
		} catch (e) {
			console.error(e.message)
			return answer(res, 503)
		}
		answer(res, 202)
		if (news)
			notify()
	})
})
server.keepAliveTimeout = 60000

const subscribers = new Set()
const sockets = new WebSocketServer({ server, path: '/events' })

function frame(row) {
	return `{"created":${row.created},"event":${row.event},` +
		`"nsid":"${row.nsid}","rkey":"${row.rkey}"}`
}

// What a subscriber has not had, as fast as its socket takes it.
function pump(s) {
	while (!s.stuck) {
		const rows = page.all(s.after)
		if (rows.length === 0)
			return
		s.after = rows[rows.length - 1].created
		const end = rows.length - 1
		s.stuck = true
		rows.forEach((row, i) => s.ws.send(frame(row), i < end ?
			undefined : () => { s.stuck = false; pump(s) }))
	}
}

function notify() {
	for (const s of subscribers)
		pump(s)
}

sockets.on('connection', (ws, req) => {
	const s = { ws, stuck: false, after: BigInt(
		new URL(req.url, 'http://x').searchParams.get('cursor') ?? 0) }
	subscribers.add(s)
	ws.on('close', () => subscribers.delete(s))
	// The frames of such an event tell when it was committed, at the end.
	ws.on('message', () => {
		publishAlone({ $type: nsid, status: 'running' })
		const committed = process.hrtime.bigint()
		const row = page.all(last - 1n)[0]
		const text = frame(row).replace(/}$/,
			`,"committed":${committed}}`)
		for (const other of subscribers) {
			other.after = row.created
			other.ws.send(text)
		}
	})
	pump(s)
})

server.listen(Number(process.argv[3] ?? 0), '127.0.0.1', 1024, () =>
	console.error('listening on 127.0.0.1:' + server.address().port +
		', SQLite ' + db.prepare('SELECT sqlite_version()').pluck().get() +
		', synchronous ' + db.pragma('synchronous', { simple: true })))

// A broadcast server on Socket.IO, WebSocket transport only.
//
//     node socketio_broadcast.js PORT
const { createServer } = require('node:http');
const { Server } = require('socket.io');

const http = createServer();
// Its own pings are left out of the measurement: the load is busy for longer than their 25 s.
const io = new Server(http, { transports: ['websocket'], pingInterval: 600000, serveClient: false });
io.on('connection', (socket) => socket.on('message', (text) => io.emit('message', text)));
http.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });

// A broadcast server on ws, as its README has it.
//
//     node ws_broadcast.js PORT [--deflate]
const { WebSocket, WebSocketServer } = require('ws');

// Its threshold of 1,024 bytes would leave the messages measured here uncompressed.
const perMessageDeflate = process.argv.includes('--deflate') ? { threshold: 0 } : false;
const server = new WebSocketServer({
  port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096, perMessageDeflate,
});

server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, binary) => {
    for (const client of server.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(data, { binary });
    }
  });
});

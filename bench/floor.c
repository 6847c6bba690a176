/* The floor under a fan-out: for every PAYLOAD-byte WebSocket text frame that comes in on any
 * connection, one send(2) of as many server frames of PAYLOAD bytes to every connection. No
 * handshake, no parsing, no rooms, no log: what the kernel charges, and nothing else.
 *
 *     floor PORT PAYLOAD
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 65536, JOINED = 64 };

static int members[MOST], count;

static size_t head(unsigned char *frame, size_t payload)
{
    frame[0] = 0x81;
    if (payload < 126) {
        frame[1] = payload;
        return 2;
    }
    frame[1] = 126;
    frame[2] = payload >> 8;
    frame[3] = payload & 255;
    return 4;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    size_t payload = atoi(argv[2]), heads = payload < 126 ? 2 : 4;
    size_t out = heads + payload, in = out + 4, carry = 0;
    unsigned char *bytes = malloc(out * JOINED);
    static char sink[1 << 16];
    for (int i = 0; i < JOINED; i++) {
        memset(bytes + i * out, 'x', out);
        head(bytes + i * out, payload);
    }
    int door = socket(AF_INET, SOCK_STREAM, 0), on = 1, ep = epoll_create1(0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(door, (struct sockaddr *)&at, sizeof at) || listen(door, 4096)) {
        perror("floor");
        return 1;
    }
    struct epoll_event ready[256], want = {.events = EPOLLIN, .data.fd = door};
    epoll_ctl(ep, EPOLL_CTL_ADD, door, &want);
    for (;;) {
        int n = epoll_wait(ep, ready, 256, -1);
        for (int i = 0; i < n; i++) {
            int fd = ready[i].data.fd;
            if (fd == door) {
                int member = accept(door, NULL, NULL);
                if (member < 0 || count == MOST)
                    continue;
                setsockopt(member, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                want.data.fd = members[count++] = member;
                epoll_ctl(ep, EPOLL_CTL_ADD, member, &want);
                continue;
            }
            ssize_t got = recv(fd, sink, sizeof sink, 0);
            if (got <= 0) {
                close(fd);
                for (int m = 0; m < count; m++)
                    if (members[m] == fd)
                        members[m--] = members[--count];
                continue;
            }
            size_t frames = (carry + got) / in;
            carry = (carry + got) % in;
            for (; frames; frames -= frames < JOINED ? frames : JOINED)
                for (int m = 0; m < count; m++)
                    send(members[m], bytes, out * (frames < JOINED ? frames : JOINED), MSG_NOSIGNAL);
        }
    }
}

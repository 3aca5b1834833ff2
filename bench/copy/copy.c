// SPDX-License-Identifier: Apache-2.0
//
// copy - the least that a reflector can cost: the same octets to the same number of sockets, and nothing else.
//
//   copy CLIENTS OCTETS PIECE
//
// One process writes OCTETS octets to each of CLIENTS TCP connections on 127.0.0.1, at most PIECE in one write, each
// connection in turn; another one reads and throws away. Nothing is encoded, chosen or looked at. Prints the wall
// time until everything was read and the CPU time of the writing process as JSON.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(void)
{
	struct rusage r;
	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

// Reads until every connection has brought everything, then says so.
static void read_all(int *fd, int clients, long octets, int done)
{
	static char buffer[1 << 18];
	int ep = epoll_create1(0);
	for (int i = 0; i < clients; i++) {
		struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd[i]};
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &ev) < 0)
			die("epoll_ctl");
	}
	long long left = (long long)octets * clients;
	while (left > 0) {
		struct epoll_event ev[256];
		int n = epoll_wait(ep, ev, 256, -1);
		for (int i = 0; i < n; i++) {
			ssize_t got = recv(ev[i].data.fd, buffer, sizeof buffer, MSG_DONTWAIT);
			if (got > 0)
				left -= got;
			else if (got == 0 || (errno != EAGAIN && errno != EINTR))
				die("recv");
		}
	}
	if (write(done, "x", 1) != 1)
		die("write");
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: copy CLIENTS OCTETS PIECE\n", stderr);
		return 2;
	}
	int clients = atoi(argv[1]);
	long octets = atol(argv[2]), piece = atol(argv[3]);
	if (clients < 1 || octets < 1 || piece < 1) {
		fputs("copy: all three are numbers above 0\n", stderr);
		return 2;
	}
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		die("listen");
	int *out = calloc((size_t)clients, sizeof *out), *in = calloc((size_t)clients, sizeof *in);
	long *sent = calloc((size_t)clients, sizeof *sent);
	char *text = malloc((size_t)octets);
	if (!out || !in || !sent || !text)
		die("memory");
	memset(text, 0xff, (size_t)octets);
	for (int i = 0; i < clients; i++) {
		int one = 1;
		in[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (in[i] < 0 || connect(in[i], (struct sockaddr *)&address, sizeof address) < 0)
			die("connect");
		out[i] = accept(listener, NULL, NULL);
		if (out[i] < 0)
			die("accept");
		setsockopt(out[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	}
	int done[2];
	if (pipe(done) < 0)
		die("pipe");
	pid_t reader = fork();
	if (reader < 0)
		die("fork");
	if (reader == 0)
		read_all(in, clients, octets, done[1]);

	int ep = epoll_create1(0);
	for (int i = 0; i < clients; i++) {
		struct epoll_event ev = {.events = EPOLLOUT | EPOLLET, .data.u32 = (unsigned)i};
		if (epoll_ctl(ep, EPOLL_CTL_ADD, out[i], &ev) < 0)
			die("epoll_ctl");
	}
	double wall0 = now(), cpu0 = cpu();
	long writes = 0;
	int open = clients;
	while (open > 0) {
		struct epoll_event ev[256];
		int n = epoll_wait(ep, ev, 256, -1);
		for (int e = 0; e < n; e++) {
			unsigned i = ev[e].data.u32;
			while (sent[i] < octets) {
				long most = octets - sent[i] < piece ? octets - sent[i] : piece;
				ssize_t put = send(out[i], text + sent[i], (size_t)most, MSG_NOSIGNAL | MSG_DONTWAIT);
				if (put < 0 && errno == EAGAIN)
					break;
				if (put < 0)
					die("send");
				writes++;
				sent[i] += put;
				if (sent[i] == octets)
					open--;
			}
		}
	}
	double used = cpu() - cpu0;
	char x;
	if (read(done[0], &x, 1) != 1)
		die("the reader");
	double wall = now() - wall0;
	waitpid(reader, NULL, 0);
	printf("{\"wall_s\":%.4f,\"cpu_s\":%.4f,\"writes\":%ld}\n", wall, used, writes);
	return 0;
}

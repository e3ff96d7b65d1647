/* SPDX-License-Identifier: Apache-2.0 */
/* open FILE, unlink FILE, connect PORT: submitted through io_uring, set up without liburing. Ends
 * with 3 where the kernel does not have or allow it. */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "evade.h"

struct ring {
	struct io_uring_params params;
	struct io_uring_sqe *sqes;
	char *sq, *cq;
	int fd;
};

static int ring_open(struct ring *ring)
{
	struct io_uring_params *p = &ring->params;

	memset(p, 0, sizeof(*p));
	ring->fd = (int)syscall(SYS_io_uring_setup, 4, p);
	if (ring->fd < 0)
		return 3;
	ring->sq = mmap(NULL, p->sq_off.array + p->sq_entries * 4, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQ_RING);
	ring->cq = mmap(NULL, p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe),
			PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd,
			IORING_OFF_CQ_RING);
	ring->sqes = mmap(NULL, p->sq_entries * sizeof(*ring->sqes), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQES);
	return ring->sq == MAP_FAILED || ring->cq == MAP_FAILED || ring->sqes == MAP_FAILED ? 2 : 0;
}

/* One operation, submitted and waited for; its result. */
static int ring_run(struct ring *ring, const struct io_uring_sqe *sqe)
{
	const struct io_sqring_offsets *sq = &ring->params.sq_off;
	const struct io_cqring_offsets *cq = &ring->params.cq_off;
	uint32_t tail = *(uint32_t *)(ring->sq + sq->tail);
	uint32_t mask = *(uint32_t *)(ring->sq + sq->ring_mask);
	uint32_t head = *(uint32_t *)(ring->cq + cq->head);
	struct io_uring_cqe *cqe;
	int result;

	ring->sqes[tail & mask] = *sqe;
	((uint32_t *)(ring->sq + sq->array))[tail & mask] = tail & mask;
	__atomic_store_n((uint32_t *)(ring->sq + sq->tail), tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return -EIO;
	while (__atomic_load_n((uint32_t *)(ring->cq + cq->tail), __ATOMIC_ACQUIRE) == head)
		;
	cqe = (struct io_uring_cqe *)(ring->cq + cq->cqes);
	result = cqe[head & *(uint32_t *)(ring->cq + cq->ring_mask)].res;
	__atomic_store_n((uint32_t *)(ring->cq + cq->head), head + 1, __ATOMIC_RELEASE);
	return result;
}

int evade(int argc, char **argv)
{
	struct io_uring_sqe sqe = { .fd = AT_FDCWD };
	struct sockaddr_in address;
	struct ring ring;
	int result;

	if (argc != 2)
		return 2;
	result = ring_open(&ring);
	if (result)
		return result;
	sqe.addr = (uint64_t)argv[1];
	if (!strcmp(argv[0], "open")) {
		sqe.opcode = IORING_OP_OPENAT;
		sqe.open_flags = O_RDONLY | O_CLOEXEC;
	} else if (!strcmp(argv[0], "unlink")) {
		sqe.opcode = IORING_OP_UNLINKAT;
	} else {
		address = loopback((uint16_t)atoi(argv[1]));
		sqe.opcode = IORING_OP_CONNECT;
		sqe.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		sqe.addr = (uint64_t)&address;
		sqe.off = sizeof(address);
	}
	return ring_run(&ring, &sqe) < 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Writes a synthetic log to stdout: `biglog SAMPLES STACKS`. The samples go
 * through STACKS distinct stacks of 3 to 20 frames in a fixed random order;
 * two neighbours share all but some frames, as real ones do. It measures the
 * speed and the memory of pyprof-report.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pyprof/format.h"

#define CHUNK_BYTES (256u * 1024)
#define CODES	    500u
#define DEPTH_MAX   20u
#define CODE_LINES  50u /* lines in a function */

struct frame {
	unsigned code, line;
};

struct stack {
	unsigned depth;
	struct frame frames[DEPTH_MAX];
};

static struct {
	unsigned char bytes[CHUNK_BYTES];
	size_t used;
	unsigned long long time, seq;
	struct stack last;
} g;

static unsigned draw(unsigned below)
{
	static unsigned long long state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 32) % below;
}

static size_t put_number(unsigned char *to, unsigned long long number)
{
	size_t n = 0;

	for (; number >= 0x80; number >>= 7)
		to[n++] = (unsigned char)(number | 0x80);
	to[n++] = (unsigned char)number;
	return n;
}

static void end_chunk(void)
{
	struct pp_chunk c = { PP_CHUNK_MAGIC, CHUNK_BYTES, 0, 0 };

	c.used = (unsigned)g.used;
	memcpy(g.bytes, &c, sizeof(c));
	fwrite(g.bytes, 1, CHUNK_BYTES, stdout);
	memset(g.bytes, 0, sizeof(g.bytes));
	g.used = 0;
}

static void put_record(unsigned type, const unsigned char *body, size_t size);

static void begin_chunk(void)
{
	unsigned char body[40];
	size_t n = 0;

	g.used = sizeof(struct pp_chunk);
	g.last.depth = 0;
	n += put_number(body + n, 0);
	n += put_number(body + n, g.seq++);
	n += put_number(body + n, g.time);
	n += put_number(body + n, g.time);
	put_record(PP_OWNER, body, n);
}

static void put_record(unsigned type, const unsigned char *body, size_t size)
{
	g.bytes[g.used++] = (unsigned char)type;
	g.used += put_number(g.bytes + g.used, size);
	memcpy(g.bytes + g.used, body, size);
	g.used += size;
}

/* Room for one more record of any kind that is written here. */
static void make_room(void)
{
	if (g.used + 1024 < CHUNK_BYTES)
		return;
	end_chunk();
	begin_chunk();
}

static void put_string(unsigned id, const char *text)
{
	unsigned char body[100];
	size_t n = put_number(body, id);

	body[n++] = 1;
	memcpy(body + n, text, strlen(text));
	make_room();
	put_record(PP_STRING, body, n + strlen(text));
}

static void put_code(unsigned id)
{
	unsigned char body[100];
	char name[40];
	size_t n = 0;

	snprintf(name, sizeof(name), "function_%u", id);
	put_string(id + 1, name);
	n += put_number(body + n, id);
	n += put_number(body + n, id + 1);
	n += put_number(body + n, 0);
	n += put_number(body + n, 1);
	n += put_number(body + n, id * 100);
	make_room();
	put_record(PP_CODE, body, n);
}

static void draw_stack(struct stack *s, const struct stack *like)
{
	unsigned keep = 0, i;

	s->depth = 3 + draw(DEPTH_MAX - 2);
	if (like)
		keep = draw(s->depth < like->depth ? s->depth : like->depth);
	for (i = 0; i < s->depth; i++) {
		s->frames[i].code = 1 + draw(CODES);
		s->frames[i].line = draw(CODE_LINES);
		if (i < keep)
			s->frames[i] = like->frames[i];
	}
}

static void put_sample(const struct stack *s)
{
	unsigned char body[400];
	unsigned i = 0, dcpu = 970 + draw(8), same_code;
	size_t n = 0;

	make_room();
	while (i < s->depth && i < g.last.depth &&
	       s->frames[i].code == g.last.frames[i].code &&
	       s->frames[i].line == g.last.frames[i].line)
		i++;
	same_code = i < s->depth && i < g.last.depth &&
		    s->frames[i].code == g.last.frames[i].code;
	n += put_number(body + n, (g.last.depth - i) << 2 | same_code << 1);
	n += put_number(body + n, dcpu);
	n += put_number(body + n, (977 - dcpu) * 2);
	if (same_code)
		n += put_number(body + n, s->frames[i++].line);
	for (; i < s->depth; i++) {
		n += put_number(body + n, s->frames[i].code);
		n += put_number(body + n, s->frames[i].line);
	}
	g.last = *s;
	g.time += 977;
	put_record(PP_SAMPLE, body, n);
}

static void put_header(void)
{
	static unsigned char page[PP_HEADER_BYTES];
	struct pp_header h = {
		.magic = PP_MAGIC,
		.order = PP_ORDER,
		.major = PP_MAJOR,
		.minor = PP_MINOR,
		.header_bytes = PP_HEADER_BYTES,
		.unit_ns = PP_UNIT_NS,
		.session = { 1, 2 },
		.pid = 4242,
		.python = 0x030a0df0,
		.mode = PP_MODE_CPU,
		.engine = PP_ENGINE_TICKER,
		.period_ns = 1000000,
	};

	memcpy(page, &h, sizeof(h));
	fwrite(page, 1, sizeof(page), stdout);
}

int main(int argc, char **argv)
{
	unsigned long samples = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	unsigned count = argc > 2 ? (unsigned)atoi(argv[2]) : 1000, i;
	struct stack *stacks = calloc(count, sizeof(*stacks));
	unsigned at = 0;

	if (!stacks || !count)
		return 1;
	put_header();
	begin_chunk();
	put_string(1, "/synthetic/app.py");
	for (i = 1; i <= CODES; i++)
		put_code(i);
	for (i = 0; i < count; i++)
		draw_stack(&stacks[i], i ? &stacks[i - 1] : NULL);
	while (samples-- > 0) {
		/* Half of the samples repeat; the others move nearby. */
		if (draw(2))
			at = (at + draw(3)) % count;
		put_sample(&stacks[at]);
	}
	end_chunk();
	free(stacks);
	return fclose(stdout) != 0;
}

/* SPDX-License-Identifier: MIT */
#include "formats/shared/deflate.h"

#include <string.h>

#include "formats/shared/huffman.h"

#define HASH_BITS 14
#define HASH3_BITS 11
#define BLOCK_TOKENS 8192
#define WINDOW 4096
#define MIN_MATCH 3
#define MAX_MATCH 258
#define END_OF_BLOCK 256
#define LITERALS 286
#define DISTANCES 24 /* those within the window */
#define PRECODES 19
#define STORED_MAX 65535
/* Places without a match after which every second one is looked at, and so on. */
#define MISS_BITS 5
#define MAX_RUN 32
/* Bytes that write_bits() may touch behind what it has written. */
#define SLACK 8

/* What a level does: the more it looks at, the smaller and the slower. */
struct effort {
	guint chain; /* earlier places to look at */
	guint nice;  /* a match of this length is not bettered */
	guint lazy;  /* how many later starts may win over a match found */
};

struct sw_deflate {
	struct effort effort;
	const guint8 *in;
	guint length;
	guint16 head[1 << HASH_BITS];	/* where a hash of four bytes was last seen */
	guint16 head3[1 << HASH3_BITS]; /* likewise of three */
	guint16 previous[WINDOW];	/* where the four bytes' was seen before */
	guint32 tokens[BLOCK_TOKENS];	/* a byte, or length << 16 | distance */
	guint token_count;
	guint block_start; /* position of the first token's first byte */
	guint32 literal_counts[LITERALS];
	guint32 distance_counts[DISTANCES];
	guint8 *out;
	guint8 *out_end;
	guint64 bits; /* not yet written, the first one lowest */
	guint bit_count;
};

struct match {
	guint length; /* 0: none */
	guint distance;
};

static guint floor_log2(guint value)
{
	return 31 - (guint)__builtin_clz(value);
}

static guint32 load32(const guint8 *bytes)
{
	guint32 value;

	memcpy(&value, bytes, sizeof(value));
	return GUINT32_FROM_LE(value);
}

static guint64 load64(const guint8 *bytes)
{
	guint64 value;

	memcpy(&value, bytes, sizeof(value));
	return GUINT64_FROM_LE(value);
}

/* Length symbol (RFC 1951, 3.2.5) and the number of its extra bits. */
static guint length_symbol(guint length, guint *ret_extra)
{
	guint value = length - MIN_MATCH;
	guint log;

	*ret_extra = 0;
	if (length == MAX_MATCH)
		return 285;
	if (value < 8)
		return 257 + value;
	log = floor_log2(value);
	*ret_extra = log - 2;
	return 257 + 4 * (log - 1) + (value >> (log - 2) & 3);
}

/* Distance symbol and the number of its extra bits. */
static guint distance_symbol(guint distance, guint *ret_extra)
{
	guint value = distance - 1;
	guint log;

	*ret_extra = 0;
	if (value < 4)
		return value;
	log = floor_log2(value);
	*ret_extra = log - 1;
	return 2 * log + (value >> (log - 1) & 1);
}

/* How many bytes at A and B are equal, from KNOWN equal ones up to MAX. */
static inline guint match_length(const guint8 *a, const guint8 *b, guint known, guint max)
{
	guint n = known;

	while (n + 8 <= max) {
		guint64 difference = load64(a + n) ^ load64(b + n);

		if (difference != 0)
			return n + (guint)__builtin_ctzll(difference) / 8;
		n += 8;
	}
	while (n < max && a[n] == b[n])
		n++;
	return n;
}

static inline guint hash(guint32 value, guint bits)
{
	return value * 0x9e3779b1u >> (32 - bits);
}

/*
 * Enters POSITION; RET_CANDIDATE and RET_CANDIDATE3 get the places with the same 4 and 3 bytes.  Places
 * are kept modulo 2^16: what turns out to be another place in the window is as good as any, for the
 * bytes are compared.
 */
static inline void enter(struct sw_deflate *d, guint position, guint16 *ret_candidate,
			 guint16 *ret_candidate3)
{
	guint32 value = load32(d->in + position);
	guint16 *head = &d->head[hash(value, HASH_BITS)];
	guint16 *head3 = &d->head3[hash(value << 8, HASH3_BITS)];

	*ret_candidate = *head;
	*ret_candidate3 = *head3;
	d->previous[position % WINDOW] = *head;
	*head = *head3 = (guint16)position;
}

/* Enters POSITION and finds the longest match there of more than BEST bytes; CHAIN places are tried. */
static inline struct match find(struct sw_deflate *d, guint position, guint best, guint chain)
{
	struct match match = { 0, 0 };
	const guint8 *here = d->in + position;
	guint max = MIN(MAX_MATCH, d->length - position);
	guint farthest = MIN(position, WINDOW);
	guint16 candidate, candidate3;
	guint distance, nearer = 0;

	if (max < 4)
		return match;
	enter(d, position, &candidate, &candidate3);
	distance = (guint16)(position - candidate3);
	if (best < MIN_MATCH && distance - 1 < farthest &&
	    (load32(here) ^ load32(here - distance)) << 8 == 0) {
		match.length = MIN_MATCH;
		match.distance = distance;
	}
	best = MAX(best, MIN_MATCH);
	distance = (guint16)(position - candidate);
	for (; best < max && distance > nearer && distance <= farthest && chain > 0; chain--) {
		const guint8 *there = here - distance;

		if (load32(here + best - 3) == load32(there + best - 3) &&
		    load32(here) == load32(there)) {
			guint length = match_length(here, there, 4, max);

			if (length > best) {
				match.length = best = length;
				match.distance = distance;
				if (length >= d->effort.nice)
					break;
			}
		}
		nearer = distance;
		candidate = d->previous[candidate % WINDOW];
		distance = (guint16)(position - candidate);
	}
	return match;
}

static void skip(struct sw_deflate *d, guint position, guint count)
{
	guint16 unused;

	for (; count > 0 && position + 4 <= d->length; count--)
		enter(d, position++, &unused, &unused);
}

static void add_literal(struct sw_deflate *d, guint position)
{
	guint8 byte = d->in[position];

	d->tokens[d->token_count++] = byte;
	d->literal_counts[byte]++;
}

static void add_match(struct sw_deflate *d, struct match match)
{
	guint unused;

	d->tokens[d->token_count++] = match.length << 16 | match.distance;
	d->literal_counts[length_symbol(match.length, &unused)]++;
	d->distance_counts[distance_symbol(match.distance, &unused)]++;
}

/* Is NEXT, AHEAD bytes on, worth AHEAD literals in place of MATCH?  A length counts as four bits. */
static gboolean is_better(struct match next, struct match match, guint ahead)
{
	int gain = 4 * ((int)next.length - (int)match.length);

	if (next.length == 0)
		return FALSE;
	gain += (int)floor_log2(match.distance) - (int)floor_log2(next.distance);
	return gain > (ahead == 1 ? 2 : 6);
}

/* The longer nothing was found, the fewer places are looked at: what is random stays so. */
static guint literal_run(guint misses, guint left)
{
	return MIN(MIN(1 + (misses >> MISS_BITS), MAX_RUN), left);
}

/*
 * Puts a better match in the place of *MATCH at *POSITION, if one begins soon behind it: then the bytes
 * before it become literals, and *POSITION moves on.  Returns how many places from there on are entered.
 */
static guint look_ahead(struct sw_deflate *d, guint *position, struct match *match)
{
	guint ahead = 0;

	while (ahead < d->effort.lazy && match->length < d->effort.nice &&
	       d->token_count < BLOCK_TOKENS - MAX_RUN) {
		struct match next;

		ahead++;
		next = find(d, *position + ahead, match->length - 1, d->effort.chain >> ahead);
		if (!is_better(next, *match, ahead))
			continue;
		for (; ahead > 0; ahead--)
			add_literal(d, (*position)++);
		*match = next;
	}
	return ahead + 1;
}

/* Tokens for one block, from POSITION on; returns where it ends. */
static guint parse_block(struct sw_deflate *d, guint position)
{
	guint misses = 0;

	while (position < d->length && d->token_count < BLOCK_TOKENS - MAX_RUN) {
		struct match match = find(d, position, 0, d->effort.chain);
		guint entered;

		if (match.length == 0) {
			guint run = literal_run(misses++, d->length - position);

			for (; run > 0; run--)
				add_literal(d, position++);
			continue;
		}
		misses = 0;
		entered = look_ahead(d, &position, &match);
		add_match(d, match);
		skip(d, position + entered, match.length - entered);
		position += match.length;
	}
	return position;
}

static inline void write_bits(struct sw_deflate *d, guint64 value, guint count)
{
	d->bits |= value << d->bit_count;
	d->bit_count += count;
}

/* At most 7 bits stay behind. */
static inline void flush_bits(struct sw_deflate *d)
{
	guint64 bits = GUINT64_TO_LE(d->bits);

	memcpy(d->out, &bits, sizeof(bits));
	d->out += d->bit_count / 8;
	d->bits >>= d->bit_count & ~7u;
	d->bit_count &= 7;
}

/* The lengths of both codes as the header of a block has them (RFC 1951, 3.2.7). */
struct header {
	guint literals;			     /* HLIT + 257 */
	guint distances;		     /* HDIST + 1 */
	guint precodes;			     /* HCLEN + 4 */
	guint16 items[LITERALS + DISTANCES]; /* symbol, and its extra bits << 8 */
	guint item_count;
	struct sw_huffman code;
};

static const guint8 precode_order[PRECODES] = { 16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
						11, 4,	12, 3, 13, 2, 14, 1, 15 };

static guint precode_extra(guint symbol)
{
	return symbol == 16 ? 2 : symbol == 17 ? 3 : symbol == 18 ? 7 : 0;
}

/* Run-length coding of COUNT code lengths. */
static void code_lengths(struct header *header, const guint8 *lengths, guint count,
			 guint32 *frequencies)
{
	for (guint i = 0, run; i < count; i += run) {
		guint symbol = lengths[i], extra = 0;

		for (run = 1; i + run < count && lengths[i + run] == symbol;)
			run++;
		if (symbol == 0 && run >= 3) {
			run = MIN(run, 138);
			symbol = run < 11 ? 17 : 18;
			extra = run < 11 ? run - 3 : run - 11;
		} else if (i > 0 && lengths[i - 1] == symbol && run >= 3) {
			run = MIN(run, 6);
			symbol = 16;
			extra = run - 3;
		} else {
			run = 1;
		}
		header->items[header->item_count++] = (guint16)(symbol | extra << 8);
		frequencies[symbol]++;
	}
}

/* Returns its size in bits. */
static guint64 make_header(struct header *header, const struct sw_huffman *literal,
			   const struct sw_huffman *distance)
{
	guint8 lengths[LITERALS + DISTANCES];
	guint32 frequencies[PRECODES] = { 0 };
	guint64 size = 5 + 5 + 4;

	for (header->literals = LITERALS; literal->lengths[header->literals - 1] == 0;)
		header->literals--;
	for (header->distances = DISTANCES; distance->lengths[header->distances - 1] == 0;)
		header->distances--;
	memcpy(lengths, literal->lengths, header->literals);
	memcpy(lengths + header->literals, distance->lengths, header->distances);
	header->item_count = 0;
	code_lengths(header, lengths, header->literals + header->distances, frequencies);
	sw_huffman_make(&header->code, frequencies, PRECODES, 7);
	for (header->precodes = PRECODES;
	     header->code.lengths[precode_order[header->precodes - 1]] == 0;)
		header->precodes--;
	for (guint i = 0; i < PRECODES; i++)
		size += (guint64)frequencies[i] * (header->code.lengths[i] + precode_extra(i));
	return size + 3 * header->precodes;
}

static void write_header(struct sw_deflate *d, const struct header *header)
{
	write_bits(d, header->literals - 257, 5);
	write_bits(d, header->distances - 1, 5);
	write_bits(d, header->precodes - 4, 4);
	for (guint i = 0; i < header->precodes; i++) {
		flush_bits(d);
		write_bits(d, header->code.lengths[precode_order[i]], 3);
	}
	for (guint i = 0; i < header->item_count; i++) {
		guint symbol = header->items[i] & 0xff;

		flush_bits(d);
		write_bits(d, header->code.codes[symbol], header->code.lengths[symbol]);
		write_bits(d, header->items[i] >> 8, precode_extra(symbol));
	}
	flush_bits(d);
}

/* Bits of the block's tokens and its end in the given codes. */
static guint64 body_size(const struct sw_deflate *d, const struct sw_huffman *literal,
			 const struct sw_huffman *distance)
{
	guint64 size = 0;

	for (guint i = 0; i < LITERALS; i++)
		size += (guint64)d->literal_counts[i] *
			(literal->lengths[i] + (i < 265 || i == 285 ? 0 : (i - 261) / 4));
	for (guint i = 0; i < DISTANCES; i++)
		size += (guint64)d->distance_counts[i] *
			(distance->lengths[i] + (i < 4 ? 0 : i / 2 - 1));
	return size;
}

static void write_tokens(struct sw_deflate *d, const struct sw_huffman *literal,
			 const struct sw_huffman *distance)
{
	guint32 length_codes[MAX_MATCH + 1]; /* with the extra bits; how many bits above bit 24 */

	for (guint length = MIN_MATCH; length <= MAX_MATCH; length++) {
		guint extra, symbol = length_symbol(length, &extra);
		guint bits = literal->lengths[symbol];

		length_codes[length] = literal->codes[symbol] | (bits + extra) << 24 |
				       ((length - MIN_MATCH) & ((1u << extra) - 1)) << bits;
	}
	for (guint i = 0; i < d->token_count; i++) {
		guint32 token = d->tokens[i];
		guint length = token >> 16, far = token & 0xffff, symbol, extra;

		if (length == 0) {
			write_bits(d, literal->codes[token], literal->lengths[token]);
		} else {
			write_bits(d, length_codes[length] & 0xffffff, length_codes[length] >> 24);
			symbol = distance_symbol(far, &extra);
			write_bits(d, distance->codes[symbol], distance->lengths[symbol]);
			write_bits(d, (far - 1) & ((1u << extra) - 1), extra);
		}
		flush_bits(d);
	}
	write_bits(d, literal->codes[END_OF_BLOCK], literal->lengths[END_OF_BLOCK]);
	flush_bits(d);
}

/* The fixed code (RFC 1951, 3.2.6). */
static void make_fixed(struct sw_huffman *literal, struct sw_huffman *distance)
{
	for (guint i = 0; i < 288; i++)
		literal->lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
	memset(distance->lengths, 5, 30);
	sw_huffman_number(literal, 288);
	sw_huffman_number(distance, 30);
}

static void write_stored(struct sw_deflate *d, guint end)
{
	guint length = end - d->block_start;

	d->bit_count = (d->bit_count + 7) & ~7u;
	flush_bits(d);
	write_bits(d, length | (guint64)(~length & 0xffff) << 16, 32);
	flush_bits(d);
	memcpy(d->out, d->in + d->block_start, length);
	d->out += length;
}

/* Writes the block of the tokens, which ends at END.  FALSE: it would not fit. */
static gboolean write_block(struct sw_deflate *d, guint end)
{
	struct sw_huffman literal, distance;
	struct header header;
	guint length = end - d->block_start;
	guint64 stored = length <= STORED_MAX ? 7 + 32 + 8 * (guint64)length : G_MAXUINT64;
	guint64 fixed, dynamic;
	guint type;

	d->literal_counts[END_OF_BLOCK] = 1;
	make_fixed(&literal, &distance);
	fixed = body_size(d, &literal, &distance);
	sw_huffman_make(&literal, d->literal_counts, LITERALS, SW_HUFFMAN_MAX_BITS);
	sw_huffman_make(&distance, d->distance_counts, DISTANCES, SW_HUFFMAN_MAX_BITS);
	dynamic = make_header(&header, &literal, &distance) + body_size(d, &literal, &distance);
	type = stored <= MIN(fixed, dynamic) ? 0 : fixed <= dynamic ? 1 : 2;
	if ((d->bit_count + 3 + MIN(stored, MIN(fixed, dynamic)) + 7) / 8 + SLACK >
	    (guint64)(d->out_end - d->out))
		return FALSE;
	write_bits(d, (end == d->length) | type << 1, 3);
	if (type == 0) {
		write_stored(d, end);
		return TRUE;
	}
	if (type == 1)
		make_fixed(&literal, &distance);
	else
		write_header(d, &header);
	write_tokens(d, &literal, &distance);
	return TRUE;
}

struct sw_deflate *sw_deflate_new(int level)
{
	static const struct effort efforts[] = {
		{ 2, 16, 0 },	{ 2, 32, 1 },	{ 4, 32, 1 },	 { 6, 32, 1 },	     { 12, 48, 1 },
		{ 32, 128, 1 }, { 64, 128, 2 }, { 128, 258, 2 }, { WINDOW, 258, 2 },
	};
	struct sw_deflate *d = g_new0(struct sw_deflate, 1);

	d->effort = efforts[CLAMP(level, 1, 9) - 1];
	return d;
}

void sw_deflate_free(struct sw_deflate *deflate)
{
	g_free(deflate);
}

size_t sw_deflate_run(struct sw_deflate *d, const void *in, size_t length, void *out,
		      size_t capacity)
{
	guint position = 0;

	memset(d->head, 0, sizeof(d->head));
	memset(d->head3, 0, sizeof(d->head3));
	d->in = in;
	d->length = (guint)length;
	d->out = out;
	d->out_end = d->out + capacity;
	d->bits = 0;
	d->bit_count = 0;
	do {
		memset(d->literal_counts, 0, sizeof(d->literal_counts));
		memset(d->distance_counts, 0, sizeof(d->distance_counts));
		d->token_count = 0;
		d->block_start = position;
		position = parse_block(d, position);
		if (!write_block(d, position))
			return 0;
	} while (position < d->length);
	d->bit_count = (d->bit_count + 7) & ~7u;
	flush_bits(d);
	return (size_t)(d->out - (guint8 *)out);
}

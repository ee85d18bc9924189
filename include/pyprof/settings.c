/* SPDX-License-Identifier: MIT */
/*
 * The values that the options of recording take. Compiled into both programs;
 * everything here works on the caller's strings and on nothing else. (A regular
 * expression is tried, which allocates and frees.)
 */
#include "settings.h"

#include <regex.h>
#include <signal.h>
#include <string.h>

#include "format.h"
#include "options.h"

enum option {
#define X(name, letter, flag, argument, variable, value, dflt, help)           \
	OPTION_##name,
	PP_OPTIONS(X)
#undef X
};

static const struct {
	const char *flag;
	const char *variable;
} options[] = {
#define X(name, letter, flag, argument, variable, value, dflt, help)           \
	{ flag, variable },
	PP_OPTIONS(X)
#undef X
};

/* A word that multiplies the number before it. */
struct unit {
	const char *name;
	double factor;
};

static const struct unit rate_units[] = {
	{ "", 1 },	{ "hz", 1 },	{ "Hz", 1 }, { "k", 1e3 },
	{ "khz", 1e3 }, { "kHz", 1e3 }, { NULL, 0 },
};

static const struct unit interval_units[] = {
	{ "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { NULL, 0 },
};

static const struct unit seconds_units[] = {
	{ "", 1e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "m", 60e9 }, { NULL, 0 },
};

static const struct unit bytes_units[] = {
	{ "", 1 },	  { "K", 1024.0 },     { "k", 1024.0 },
	{ "M", 1048576 }, { "G", 1073741824 }, { NULL, 0 },
};

static const struct unit count_units[] = { { "", 1 }, { NULL, 0 } };

static const struct {
	const char *name;
	int number;
} signals[] = {
	{ "PROF", SIGPROF }, { "VTALRM", SIGVTALRM }, { "ALRM", SIGALRM },
	{ "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },     { "IO", SIGIO },
	{ "URG", SIGURG },   { "PWR", SIGPWR },	      { "STKFLT", SIGSTKFLT },
};

/*
 * Read a decimal number, digits with at most one point, and leave *end behind
 * it. Locale has no part in it. Returns -1.0 if there is none.
 */
static double number(const char *s, const char **end)
{
	double value = 0, scale = 1;
	int digits = 0, point = 0;

	for (; (*s >= '0' && *s <= '9') || (*s == '.' && !point); s++) {
		if (*s == '.') {
			point = 1;
			continue;
		}
		value = value * 10 + (*s - '0');
		if (point)
			scale *= 10;
		digits++;
	}
	*end = s;
	return digits && digits < 20 ? value / scale : -1.0;
}

/* A number with a unit; -1.0 if it is not one. */
static double quantity(const char *s, const struct unit *units)
{
	double value = number(s, &s);

	if (value < 0)
		return -1.0;
	for (; units->name; units++)
		if (strcmp(s, units->name) == 0)
			return value * units->factor;
	return -1.0;
}

/* The position of the value in a list of words, or -1. */
static int word(const char *value, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(value, words[i]) == 0)
			return i;
	return -1;
}

static const char *parse_mode(struct settings *s, const char *value)
{
	static const char *const words[] = { "cpu", "wall", "none", NULL };
	static const uint32_t modes[] = { PP_MODE_CPU, PP_MODE_WALL,
					  PP_MODE_NONE };
	int i = word(value, words);

	if (i < 0)
		return "not a mode; try cpu, wall or none";
	s->mode = modes[i];
	return NULL;
}

static const char *parse_trace(struct settings *s, const char *value)
{
	static const char *const words[] = { "calls", "lines", NULL };
	int i = word(value, words);

	if (i < 0)
		return "not to be traced; try calls or lines";
	s->trace = i == 0 ? PP_TRACE_CALLS : PP_TRACE_LINES;
	return NULL;
}

static const char *parse_engine(struct settings *s, const char *value)
{
	static const char *const words[] = { "auto", "timer", "ticker",
					     "itimer", NULL };
	static const uint32_t engines[] = { PP_ENGINE_NONE, PP_ENGINE_TIMER,
					    PP_ENGINE_TICKER,
					    PP_ENGINE_ITIMER };
	int i = word(value, words);

	if (i < 0)
		return "not an engine; try auto, timer, ticker or itimer";
	s->engine = engines[i];
	return NULL;
}

static const char *set_period(struct settings *s, double period_ns)
{
	if (!(period_ns >= SETTINGS_PERIOD_MIN_NS &&
	      period_ns <= SETTINGS_PERIOD_MAX_NS))
		return "out of range; 0.1 to 50000 a second";
	s->period_ns = (uint64_t)period_ns;
	return NULL;
}

static const char *parse_rate(struct settings *s, const char *value)
{
	double hz;

	if (strcmp(value, "auto") == 0) {
		s->period_ns = 0;
		return NULL;
	}
	hz = quantity(value, rate_units);
	if (hz < 0)
		return "not a rate; try 250, 10k or auto";
	return set_period(s, hz > 0 ? 1e9 / hz : 0);
}

static const char *parse_interval(struct settings *s, const char *value)
{
	const char *end;
	double bare = number(value, &end);

	if (bare >= 0 && *end == '\0') {
		if (bare < 0.001 || bare > 0.999)
			return "an interval needs a unit; try 50us";
		return set_period(s, bare * 1e9);
	}
	bare = quantity(value, interval_units);
	if (bare < 0)
		return "not an interval; try 500us or 1ms";
	return set_period(s, bare);
}

/* A count: there are no halves of it. */
static double count(const char *value)
{
	double q = quantity(value, count_units);

	return q >= 0 && q < 1e9 && (double)(uint64_t)q == q ? q : -1;
}

/* A real-time signal, "RTMIN+3" or "RTMAX-2", or -1. */
static int realtime_signal(const char *name)
{
	int from_min = strncmp(name, "RTMIN", 5) == 0;
	int base = from_min ? SIGRTMIN : SIGRTMAX;
	double offset;

	if (!from_min && strncmp(name, "RTMAX", 5) != 0)
		return -1;
	if (name[5] == '\0')
		return base;
	if (name[5] != (from_min ? '+' : '-'))
		return -1;
	offset = count(name + 6);
	if (offset < 0 || offset > SIGRTMAX - SIGRTMIN)
		return -1;
	return from_min ? base + (int)offset : base - (int)offset;
}

static const char *parse_signal(int *number, const char *value)
{
	const char *name = strncmp(value, "SIG", 3) == 0 ? value + 3 : value;

	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		if (strcmp(name, signals[i].name) == 0) {
			*number = signals[i].number;
			return NULL;
		}
	}
	if (realtime_signal(name) > 0) {
		*number = realtime_signal(name);
		return NULL;
	}
	return "not a signal that is free; try PROF, USR2 or RTMIN+3";
}

static const char *parse_threads(struct settings *s, const char *value)
{
	static const char *const words[] = { "all", "main", NULL };
	int i = word(value, words);

	if (i < 0)
		return "not a choice of threads; try all or main";
	s->main_thread_only = i;
	return NULL;
}

static const char *parse_start(struct settings *s, const char *value)
{
	static const char *const words[] = { "off", "on", NULL };
	int i = word(value, words);

	if (i < 0)
		return "neither on nor off";
	s->start = i;
	return NULL;
}

static const char *parse_flag(int *flag, const char *value)
{
	static const char *const words[] = { "0", "1", NULL };
	int i = word(value, words);

	if (i < 0)
		return "neither 0 nor 1";
	*flag = i;
	return NULL;
}

static const char *parse_verbose(struct settings *s, const char *value)
{
	static const char *const words[] = { "0", "1", "2", NULL };
	int i = word(value, words);

	if (i < 0)
		return "neither 0, 1 nor 2";
	s->verbose = i;
	return NULL;
}

/* A quantity between two bounds, into *out. */
static const char *parse_bounded(uint64_t *out, const char *value,
				 const struct unit *units, double least,
				 double most, const char *why)
{
	double q = quantity(value, units);

	if (!(q >= least && q <= most))
		return why;
	*out = (uint64_t)q;
	return NULL;
}

static const char *parse_depth(struct settings *s, const char *value)
{
	double depth = count(value);

	if (depth < 1 || depth > 8192)
		return "not a depth; 1 to 8192";
	s->max_depth = (uint32_t)depth;
	return NULL;
}

static const char *parse_seconds(uint64_t *out, const char *value)
{
	return parse_bounded(out, value, seconds_units, 0, 1e18,
			     "not a number of seconds; try 2.5");
}

const char *settings_expression(const char *value)
{
	regex_t regex;

	if (regcomp(&regex, value, REG_EXTENDED | REG_NOSUB) != 0)
		return "not a regular expression";
	regfree(&regex);
	return NULL;
}

static const char *parse(struct settings *s, enum option option,
			 const char *value)
{
	switch (option) {
	case OPTION_OUTPUT:
		s->output = value;
		return NULL;
	case OPTION_MODE:
		return parse_mode(s, value);
	case OPTION_RATE:
		return parse_rate(s, value);
	case OPTION_INTERVAL:
		return parse_interval(s, value);
	case OPTION_ENGINE:
		return parse_engine(s, value);
	case OPTION_SIGNAL:
		return parse_signal(&s->signal, value);
	case OPTION_TRACE:
		return parse_trace(s, value);
	case OPTION_NO_BUILTINS:
		return parse_flag(&s->builtins, value);
	case OPTION_INCLUDE:
		s->include = value;
		return settings_expression(value);
	case OPTION_EXCLUDE:
		s->exclude = value;
		return settings_expression(value);
	case OPTION_ASYNC:
		return parse_flag(&s->tasks, value);
	case OPTION_THREADS:
		return parse_threads(s, value);
	case OPTION_NO_CHILDREN:
		return parse_flag(&s->children, value);
	case OPTION_KEEP_ENV:
		return parse_flag(&s->keep_env, value);
	case OPTION_START:
		return parse_start(s, value);
	case OPTION_TOGGLE:
		return parse_signal(&s->toggle, value);
	case OPTION_DELAY:
		return parse_seconds(&s->delay_ns, value);
	case OPTION_DURATION:
		return parse_seconds(&s->duration_ns, value);
	case OPTION_RING:
		return parse_bounded(&s->ring_ns, value, seconds_units, 1e8,
				     1e15, "not 0.1 seconds or more; try 30");
	case OPTION_MAX_DEPTH:
		return parse_depth(s, value);
	case OPTION_MAX_SIZE:
		return parse_bounded(&s->max_size, value, bytes_units, 65536,
				     9e18,
				     "not a size of 64K or more; try 64M");
	case OPTION_QUIET:
	case OPTION_VERBOSE:
		return parse_verbose(s, value);
	}
	return NULL;
}

/* What goes with wall mode: a thread without a CPU timer shows no waiting. */
static int check_engine(const struct settings *s,
			const char *(*get)(const char *name),
			struct settings_error *err)
{
	if (s->mode != PP_MODE_WALL || s->engine == PP_ENGINE_NONE ||
	    s->engine == PP_ENGINE_TICKER)
		return 0;
	*err = (struct settings_error){
		.flag = options[OPTION_ENGINE].flag,
		.variable = options[OPTION_ENGINE].variable,
		.value = get(options[OPTION_ENGINE].variable),
		.why = "not an engine of wall mode; try ticker",
	};
	return -1;
}

/* Values that are good each alone. Returns the bad one and says *why. */
static int check_together(const struct settings *s, const char **why)
{
	if (s->toggle == s->signal) {
		*why = "is the sampling signal; try USR2";
		return OPTION_TOGGLE;
	}
	if (s->trace && !s->start) {
		*why = "tracing cannot be switched on later";
		return OPTION_START;
	}
	if (s->trace && s->toggle) {
		*why = "tracing cannot be switched";
		return OPTION_TOGGLE;
	}
	if (s->ring_ns && (s->trace || s->mode == PP_MODE_WALL)) {
		*why = "keeps samples of mode cpu only";
		return OPTION_RING;
	}
	return -1;
}

static void refuse(struct settings_error *err, int option, const char *value,
		   const char *why)
{
	err->flag = options[option].flag;
	err->variable = options[option].variable;
	err->value = value;
	err->why = why;
}

int settings_parse(struct settings *s, const char *(*get)(const char *name),
		   struct settings_error *err)
{
	const char *why;
	int bad;

	*s = (struct settings){
		.output = "pyprof.%p.bin",
		.builtins = 1,
		.signal = SIGPROF,
		.children = 1,
		.start = 1,
		.max_depth = 512,
		.verbose = 1,
	};
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const char *value = get(options[i].variable);

		if (!value || !*value)
			continue;
		why = parse(s, (enum option)i, value);
		if (why) {
			refuse(err, (int)i, value, why);
			return -1;
		}
	}
	bad = check_together(s, &why);
	if (bad >= 0) {
		refuse(err, bad, get(options[bad].variable), why);
		return -1;
	}
	if (!s->mode)
		s->mode = s->trace ? PP_MODE_NONE : PP_MODE_CPU;
	return check_engine(s, get, err);
}

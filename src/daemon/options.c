/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

static const char help[] =
	"Usage: pciroomd [OPTION]...\n"
	"\n"
	"Watches for hot-plugged PCI devices that got no addresses or bus numbers, plans\n"
	"how to make room for them, and offers org.pciroom1 on the system bus.\n"
	"\n"
	"  --conf DIR        read configuration from DIR only (may be repeated, later wins)\n"
	"  --check [FILE]... read the configuration (or these files, one over the other), say\n"
	"                    what is wrong with it, and exit\n"
	"  --state DIR       keep the journal of running plans in DIR\n"
	"  --runtime DIR     keep what programs inhibit in DIR, over a restart\n"
	"  --helper SOCKET   where pciroom-helper listens\n"
	"  --processes SOCKET\n"
	"                    where pciroom-processes tells what processes hold\n"
	"  --kernel-log SOCKET\n"
	"                    where pciroom-kernel-log gives the kernel's log\n"
	"  --root DIR        read sys and proc below DIR instead of /\n"
	"  --session         use the session bus\n"
	"  --address ADDR    use the bus at ADDR\n"
	"  --help            show this help\n"
	"  --version         show the version\n"
	"\n"
	"See pciroomd(8), pciroom.conf(5), org.pciroom1(5).\n";

enum {
	OPT_CONF = 256,
	OPT_CHECK,
	OPT_STATE,
	OPT_RUNTIME,
	OPT_HELPER,
	OPT_PROCESSES,
	OPT_KERNEL_LOG,
	OPT_ROOT,
	OPT_SESSION,
	OPT_ADDRESS,
	OPT_HELP,
	OPT_VERSION
};

static const struct option long_options[] = {
	{ "conf", required_argument, NULL, OPT_CONF },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "runtime", required_argument, NULL, OPT_RUNTIME },
	{ "helper", required_argument, NULL, OPT_HELPER },
	{ "processes", required_argument, NULL, OPT_PROCESSES },
	{ "kernel-log", required_argument, NULL, OPT_KERNEL_LOG },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "session", no_argument, NULL, OPT_SESSION },
	{ "address", required_argument, NULL, OPT_ADDRESS },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ 0 },
};

static int add_conf(struct pr_daemon_options *o, const char *directory)
{
	if (o->n_conf == PR_CONF_DIRECTORIES_MAX) {
		(void)fprintf(stderr, "pciroomd: too many --conf directories\n");
		return -EINVAL;
	}
	o->conf[o->n_conf++] = directory;
	return 0;
}

/* As pr_daemon_options_parse(), for one option. */
static int take(int option, struct pr_daemon_options *o)
{
	switch (option) {
	case OPT_CONF:
		return add_conf(o, optarg);
	case OPT_CHECK:
		o->check = true;
		return 0;
	case OPT_STATE:
		o->state = optarg;
		return 0;
	case OPT_RUNTIME:
		o->runtime = optarg;
		return 0;
	case OPT_HELPER:
		o->helper = optarg;
		return 0;
	case OPT_PROCESSES:
		o->processes = optarg;
		return 0;
	case OPT_KERNEL_LOG:
		o->log = optarg;
		return 0;
	case OPT_ROOT:
		o->root = optarg;
		return 0;
	case OPT_SESSION:
		o->session = true;
		return 0;
	case OPT_ADDRESS:
		o->address = optarg;
		return 0;
	case OPT_HELP:
		return fputs(help, stdout) < 0 ? -EIO : 1;
	case OPT_VERSION:
		return puts("pciroomd " PCIROOM_VERSION) < 0 ? -EIO : 1;
	default:
		return -EINVAL; /* getopt_long() has said why */
	}
}

static void set_defaults(struct pr_daemon_options *o)
{
	static const char *const directories[] = { PCIROOM_CONFDIR, "/run/pciroom/conf.d",
		"/etc/pciroom/conf.d" };

	if (!o->root)
		o->root = "/";
	if (!o->state)
		o->state = PCIROOM_STATEDIR;
	if (!o->runtime)
		o->runtime = "/run/pciroomd";
	if (!o->helper)
		o->helper = "/run/pciroom/helper.sock";
	if (!o->processes)
		o->processes = "/run/pciroom/processes.sock";
	if (!o->log)
		o->log = "/run/pciroom/kernel-log.sock";
	if (o->n_conf > 0)
		return;
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		o->conf[o->n_conf++] = directories[i];
}

int pr_daemon_options_parse(int argc, char *argv[], struct pr_daemon_options *ret)
{
	struct pr_daemon_options o = { 0 };
	int option, r;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		r = take(option, &o);
		if (r != 0)
			return r;
	}
	if (optind < argc && !o.check) {
		(void)fprintf(stderr, "pciroomd: unexpected argument \"%s\"; see pciroomd --help\n",
			argv[optind]);
		return -EINVAL;
	}
	o.files = (const char *const *)argv + optind;
	o.n_files = (size_t)(argc - optind);
	set_defaults(&o);
	*ret = o;
	return 0;
}

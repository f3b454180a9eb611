/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's configuration: loaded, taken over, read again, checked. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "daemon/daemon-private.h"
#include "daemon/log.h"

void daemon_conf_take(struct daemon *d, struct pr_conf *c)
{
	char summary[PR_CONF_SUMMARY_MAX];

	d->real.deadline_ms = (unsigned int)(c->deadline_usec / 1000);
	if (d->hotplug)
		pr_hotplug_set_settle(d->hotplug, c->settle_usec);
	pr_log(PR_EVENT_CONF_LOADED, LOG_INFO, NULL, "Configuration: %s",
		pr_conf_summary(c, summary));
	pr_service_configure(d->service, c);
}

int daemon_conf_load(struct daemon *d, struct pr_conf *ret, struct pr_conf_error *error)
{
	*error = (struct pr_conf_error){ "out of memory" };
	if (pr_conf_load(d->options.conf, d->options.n_conf, ret, error) == 0)
		return 0;
	pr_log(PR_EVENT_CONF_ERROR, LOG_ERR, NULL, "%s", error->text);
	return 1;
}

int daemon_conf_reload(struct daemon *d, struct pr_why *why)
{
	struct pr_conf_error error;
	struct pr_conf c;
	int r;

	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, pr_now_usec());
	r = daemon_conf_load(d, &c, &error);
	if (r == 0)
		daemon_conf_take(d, &c);
	else
		pr_log(PR_EVENT_CONF_ERROR, LOG_ERR, NULL, "The configuration in use is kept");
	(void)snprintf(why->text, sizeof(why->text), "%s", r == 0 ? "" : error.text);
	(void)sd_notify(0, "READY=1");
	return r;
}

int daemon_conf_check(const struct pr_daemon_options *o)
{
	struct pr_conf_error error = { "out of memory" };
	char summary[PR_CONF_SUMMARY_MAX];
	struct pr_conf c;
	int r;

	r = o->n_files > 0 ? pr_conf_load_files(o->files, o->n_files, &c, &error)
			   : pr_conf_load(o->conf, o->n_conf, &c, &error);
	if (r != 0) {
		(void)fprintf(stderr, "%s\n", error.text);
		return EX_CONFIG;
	}
	r = printf("%s\n", pr_conf_summary(&c, summary));
	pr_conf_deinit(&c);
	return r < 0 || fflush(stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

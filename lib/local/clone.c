/* SPDX-License-Identifier: ISC */
/* A commit of a repository, fetched by git(1). */
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>

#include "base/mem.h"
#include "data/json.h"
#include "local/clone.h"
#include "local/remote.h"

#define DEPTH_MOST 1000000

struct clone {
	const jv *task;
	bool dev;
	clone_git_fn *git;
	void *arg;
	int *status;
	jv env;
	unsigned settings; /* in env, as git-config(1) has them */
	char *url;
	const char *show; /* of a file URL */
};

static char *
reason(const char *what, const char *text)
{
	char *whole;

	whole = xasprintf("%s %s", what, text);
	return whole;
}

/* A setting that holds for git and all that git starts. */
static void
set(struct clone *c, const char *name, const char *value)
{
	char key[32];

	snprintf(key, sizeof(key), "GIT_CONFIG_KEY_%u", c->settings);
	c->env = json_set_str(c->env, key, name);
	snprintf(key, sizeof(key), "GIT_CONFIG_VALUE_%u", c->settings++);
	c->env = json_set_str(c->env, key, value);
	snprintf(key, sizeof(key), "%u", c->settings);
	c->env = json_set_str(c->env, "GIT_CONFIG_COUNT", key);
}

static void
settings(struct clone *c)
{
	c->env = json_set_str(c->env, "GIT_CONFIG_NOSYSTEM", "1");
	c->env = json_set_str(c->env, "GIT_CONFIG_GLOBAL", "/dev/null");
	c->env = json_set_str(c->env, "GIT_TERMINAL_PROMPT", "0");
	c->env = json_set_str(c->env, "GIT_ASKPASS", "false");
	set(c, "protocol.allow", "never");
	set(c, "protocol.https.allow", "always");
	if (c->dev) {
		set(c, "protocol.http.allow", "always");
		set(c, "protocol.file.allow", "always");
	}
	set(c, "http.followRedirects", "false");
	set(c, "http.lowSpeedLimit", "1");
	set(c, "http.lowSpeedTime", "60");
	set(c, "credential.helper", "");
	set(c, "core.hooksPath", "/dev/null");
	set(c, "advice.detachedHead", "false");
}

/* Why git must not go there, or NULL, and then it goes nowhere else. */
static char *
allow(struct clone *c, const char *url)
{
	char *pin, *said = remote_refused(url, c->dev, &pin);

	if (said == NULL && pin != NULL)
		set(c, "http.curloptResolve", pin);
	free(pin);
	return said;
}

/* Run git; why it failed, or NULL. */
static char *
git(struct clone *c, const char *const argv[], const char *what)
{
	*c->status = c->git(&c->env, argv, c->show, NULL, c->arg);
	if (*c->status == 0)
		return NULL;
	if (*c->status == -1)
		return reason(what, "was stopped");
	return reason(what, "failed; its log says why");
}

static char *
fetch(struct clone *c, const char *sha)
{
	const char *const init[] = { "git", "init", "-q", "--template=",
		strlen(sha) == 64 ? "--object-format=sha256" :
				    "--object-format=sha1",
		".", NULL };
	const char *const remote[] = { "git", "remote", "add", "origin", c->url,
		NULL };
	/* What a local repository is served by regards other owners as
	 * hostile, and ignores the environment's settings. */
	static const char *const trust =
	    "--upload-pack=git -c safe.directory=* upload-pack";
	char depth[32], *said;
	jv options = json_get(c->task, "clone"),
	   wanted = json_get(&options, "depth");
	char *word = json_word(&wanted);
	long long n = word != NULL ? strtonum(word, 1, DEPTH_MOST, NULL) : 1;
	const char *const plain[] = { "git", "fetch", "--no-tags",
		"--no-recurse-submodules", depth, "origin", sha, NULL };
	const char *const local[] = { "git", "fetch", "--no-tags",
		"--no-recurse-submodules", depth, trust, "origin", sha, NULL };
	const char *const checkout[] = { "git", "checkout", "-q", "--detach",
		"FETCH_HEAD", NULL };

	snprintf(depth, sizeof(depth), "--depth=%lld", n > 0 ? n : 1);
	free(word);
	jv_free(wanted);
	jv_free(options);
	if ((said = git(c, init, "git init")) == NULL &&
	    (said = git(c, remote, "git remote")) == NULL &&
	    (said = git(c, c->show != NULL ? local : plain, "git fetch")) ==
		NULL)
		said = git(c, checkout, "git checkout");
	return said;
}

/*
 * Submodules of the repository, not theirs in turn.  git itself says what
 * their URLs come to: a relative one can name another host.
 */
static char *
submodules(struct clone *c)
{
	static const char *const init[] = { "git", "submodule", "init", NULL };
	static const char *const urls[] = { "git", "config", "--local",
		"--null", "--get-regexp", "^submodule\\..*\\.url$", NULL };
	static const char *const update[] = { "git", "submodule", "update",
		"--depth=1", NULL };
	char *said = git(c, init, "git submodule init"), *list, *url, *p;
	size_t size;
	FILE *out;

	if (said != NULL)
		return said;
	out = mem_open(&list, &size);
	*c->status = c->git(&c->env, urls, c->show, out, c->arg);
	mem_close(out, &list);
	/* Key, newline, value, NUL. */
	for (p = list; p < list + size && said == NULL; p += strlen(p) + 1) {
		if ((url = strchr(p, '\n')) != NULL)
			said = allow(c, url + 1);
	}
	free(list);
	if (said != NULL || size == 0) {
		if (*c->status == 1)
			*c->status = 0; /* there are none */
		return said;
	}
	return git(c, update, "git submodule update");
}

char *
clone_repository(
    const jv *task, bool dev, clone_git_fn *run, void *arg, int *status)
{
	struct clone c = { .task = task,
		.dev = dev,
		.git = run,
		.arg = arg,
		.status = status };
	jv options = json_get(task, "clone"), repo = json_get(task, "repo");
	char *said = NULL;

	*status = 0;
	if (!json_true(&options, "skip")) {
		c.url = xstrdup(json_str(&repo, "url"));
		if (strncmp(c.url, "file://", 7) == 0)
			c.show = c.url + 7;
		c.env = jv_object();
		settings(&c);
		if ((said = allow(&c, c.url)) != NULL)
			*status = 1;
		else if ((said = fetch(&c, json_str(task, "sha"))) == NULL &&
		    json_true(&options, "submodules"))
			said = submodules(&c);
		jv_free(c.env);
		free(c.url);
	}
	jv_free(repo);
	jv_free(options);
	return said;
}

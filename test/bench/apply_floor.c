/* The floor of applying layers: what the same system calls cost in C, and nothing else.
 *
 * usage: apply_floor TREE DIFF_ID BLOB [DIFF_ID BLOB]...
 *
 * For each layer igzip decompresses beside it, through a pipe of 1 MiB. It reads ustar, GNU long
 * names and PAX path, linkpath, size and mtime, and makes the files below TREE: open, write,
 * fchown, fchmod where the mode has more than permission bits, futimens, close; mkdir, symlink,
 * link. Directories get owner, mode and time at the end. The plain stream is hashed with SHA-256
 * by libcrypto in a thread of its own and compared with the diff_id. There is NO safety: it
 * follows what it finds, applies no whiteout, and trusts every header. Never run it on an image
 * of somebody else.
 *
 * cc -O2 -pthread -o apply_floor apply_floor.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOT = 256 * 1024, SLOTS = 8 };
static unsigned char ring[SLOTS][SLOT];
static size_t fill[SLOTS];
static long written, hashed; /* slots that were read, and that were hashed */
static int ended, input;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned char digest[64];
/* Of libcrypto, found at run time: its headers are seldom installed. */
static void *(*new_context)(void), *(*sha256)(void);
static int (*init)(void *, void *, void *), (*update)(void *, const void *, size_t);
static int (*final)(void *, unsigned char *, unsigned *);

static void die(const char *what) {
	perror(what);
	exit(1);
}

static void *hash_all(void *unused) {
	(void)unused;
	void *context = new_context();
	init(context, sha256(), NULL);
	for (;;) {
		pthread_mutex_lock(&lock);
		while (hashed == written && !ended) pthread_cond_wait(&changed, &lock);
		if (hashed == written) {
			pthread_mutex_unlock(&lock);
			break;
		}
		pthread_mutex_unlock(&lock);
		update(context, ring[hashed % SLOTS], fill[hashed % SLOTS]);
		pthread_mutex_lock(&lock);
		hashed++;
		pthread_cond_signal(&changed);
		pthread_mutex_unlock(&lock);
	}
	final(context, digest, NULL);
	return NULL;
}

static unsigned char *at, *end;

/* The next slot, filled as far as one read(2) fills it. */
static int refill(void) {
	unsigned char *slot = ring[written % SLOTS];
	pthread_mutex_lock(&lock);
	while (written - hashed >= SLOTS - 1) pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	ssize_t length = read(input, slot, SLOT);
	if (length < 0) die("read");
	if (length == 0) return 0;
	at = slot;
	end = slot + length;
	pthread_mutex_lock(&lock);
	fill[written % SLOTS] = length;
	written++;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	return 1;
}

static int copy(void *to, size_t length) {
	unsigned char *out = to;
	while (length > 0) {
		if (at == end && !refill()) return 0;
		size_t there = end - at < (long)length ? (size_t)(end - at) : length;
		memcpy(out, at, there);
		out += there;
		at += there;
		length -= there;
	}
	return 1;
}

static void body(int file, size_t length) {
	while (length > 0) {
		if (at == end && !refill()) return;
		size_t there = end - at < (long)length ? (size_t)(end - at) : length;
		if (file >= 0 && write(file, at, there) != (ssize_t)there) die("write");
		at += there;
		length -= there;
	}
}

static unsigned long long number(const char *field, int length) {
	unsigned long long value = 0;
	if (*field & 0x80) {
		for (int i = 1; i < length; i++) value = value << 8 | (unsigned char)field[i];
		return value;
	}
	for (int i = 0; i < length && field[i]; i++)
		if (field[i] >= '0' && field[i] <= '7') value = value * 8 + (field[i] - '0');
	return value;
}

struct directory {
	char *path;
	mode_t mode;
	uid_t user;
	gid_t group;
	struct timespec times[2];
};
static struct directory *directories;
static size_t count, room;

/* A layer need not name the directories above its files. */
static int missing(char *path) {
	if (errno != ENOENT) return 0;
	for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
		*slash = 0;
		if (mkdir(path, 0755) && errno != EEXIST) die(path);
		*slash = '/';
	}
	return 1;
}

static void field(char *to, const char *from, int length) {
	memcpy(to, from, length);
	to[length] = 0;
}

/* Applies one plain stream; answers how many entries it had. */
static long layer(void) {
	static char name[65536], link_name[65536], long_name[65536], long_link[65536], pax[65536];
	char header[512];
	long entries = 0;
	unsigned long long pax_size = 0;
	int has_size = 0;
	struct timespec pax_time = {0};
	int has_time = 0;
	while (copy(header, 512) && header[0]) {
		size_t size = number(header + 124, 12);
		char type = header[156];
		size_t padding = (512 - size % 512) % 512;
		if (type == 'L' || type == 'K' || type == 'x' || type == 'g') {
			if (size >= sizeof long_name) exit(2);
			copy(pax, size);
			pax[size] = 0;
			body(-1, padding);
			if (type == 'L') strcpy(long_name, pax);
			if (type == 'K') strcpy(long_link, pax);
			for (char *record = pax; type == 'x' && record < pax + size;) {
				char *key;
				long length = strtol(record, &key, 10);
				record[length - 1] = 0;
				key++;
				if (!strncmp(key, "path=", 5)) strcpy(long_name, key + 5);
				if (!strncmp(key, "linkpath=", 9)) strcpy(long_link, key + 9);
				if (!strncmp(key, "size=", 5)) pax_size = strtoull(key + 5, NULL, 10), has_size = 1;
				if (!strncmp(key, "mtime=", 6)) {
					char *dot;
					pax_time.tv_sec = strtoll(key + 6, &dot, 10);
					char digits[10] = "000000000";
					for (int i = 0; *dot && dot[i + 1] && i < 9; i++) digits[i] = dot[i + 1];
					pax_time.tv_nsec = atol(digits);
					has_time = 1;
				}
				record += length;
			}
			continue;
		}
		if (has_size) size = pax_size, padding = (512 - size % 512) % 512;
		if (long_name[0]) strcpy(name, long_name);
		else if (!memcmp(header + 257, "ustar\0", 6) && header[345]) {
			field(name, header + 345, 155);
			strcat(name, "/");
			field(name + strlen(name), header, 100);
		} else field(name, header, 100);
		if (long_link[0]) strcpy(link_name, long_link);
		else field(link_name, header + 157, 100);
		mode_t mode = number(header + 100, 8) & 07777;
		uid_t user = number(header + 108, 8);
		gid_t group = number(header + 116, 8);
		struct timespec modified = {.tv_sec = number(header + 136, 12)};
		if (has_time) modified = pax_time;
		struct timespec times[2] = {modified, modified};
		long_name[0] = long_link[0] = has_size = has_time = 0;
		entries++;
		char *path = name;
		while (*path == '/' || (path[0] == '.' && path[1] == '/')) path++;
		size_t length = strlen(path);
		while (length > 0 && path[length - 1] == '/') path[--length] = 0;
		if (length == 0) continue;
		if (type == '5') {
			if (mkdir(path, 0700) && errno != EEXIST && !(missing(path) && !mkdir(path, 0700))) die(path);
			if (count == room) directories = realloc(directories, (room = room * 2 + 64) * sizeof *directories);
			directories[count++] = (struct directory){strdup(path), mode, user, group, {modified, modified}};
		} else if (type == '2') {
			if (symlink(link_name, path) && errno != EEXIST && !(missing(path) && !symlink(link_name, path))) die(path);
			if ((user || group) && lchown(path, user, group)) die(path);
			if (utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW)) die(path);
		} else if (type == '1') {
			char *target = link_name;
			while (*target == '/' || (target[0] == '.' && target[1] == '/')) target++;
			if (link(target, path) && errno != EEXIST && !(missing(path) && !link(target, path))) die(path);
		} else if (type == '0' || type == 0) {
			int file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode & 0777);
			if (file < 0 && (errno == EEXIST ? !unlink(path) : missing(path)))
				file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode & 0777);
			if (file < 0) die(path);
			body(file, size);
			body(-1, padding);
			if ((user || group) && fchown(file, user, group)) die("fchown");
			if (mode & 07000 && fchmod(file, mode)) die("fchmod");
			if (futimens(file, times)) die("futimens");
			close(file);
		}
	}
	do at = end;
	while (refill());
	return entries;
}

static void load(void) {
	void *crypto = dlopen("libcrypto.so.3", RTLD_NOW);
	if (!crypto) crypto = dlopen("libcrypto.so.1.1", RTLD_NOW);
	if (!crypto) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	*(void **)&new_context = dlsym(crypto, "EVP_MD_CTX_new");
	*(void **)&sha256 = dlsym(crypto, "EVP_sha256");
	*(void **)&init = dlsym(crypto, "EVP_DigestInit_ex");
	*(void **)&update = dlsym(crypto, "EVP_DigestUpdate");
	*(void **)&final = dlsym(crypto, "EVP_DigestFinal_ex");
}

int main(int argc, char **argv) {
	int tree = argc < 2 ? -1 : open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree < 0) die("TREE");
	load();
	umask(0);
	long entries = 0;
	for (int i = 2; i + 1 < argc; i += 2) {
		int ends[2];
		int blob = open(argv[i + 1], O_RDONLY | O_CLOEXEC);
		if (blob < 0 || pipe2(ends, O_CLOEXEC)) die(argv[i + 1]);
		fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
		pid_t child = fork();
		if (child == 0) {
			dup2(blob, 0);
			dup2(ends[1], 1);
			execlp("igzip", "igzip", "-dc", NULL);
			die("igzip");
		}
		close(blob);
		close(ends[1]);
		if (fchdir(tree)) die("fchdir");
		input = ends[0];
		written = hashed = ended = 0;
		at = end = NULL;
		pthread_t thread;
		pthread_create(&thread, NULL, hash_all, NULL);
		entries += layer();
		pthread_mutex_lock(&lock);
		ended = 1;
		pthread_cond_signal(&changed);
		pthread_mutex_unlock(&lock);
		pthread_join(thread, NULL);
		close(input);
		int status;
		if (waitpid(child, &status, 0) < 0 || status != 0) exit(3);
		char found[80] = "sha256:";
		for (int byte = 0; byte < 32; byte++) sprintf(found + 7 + 2 * byte, "%02x", digest[byte]);
		if (strcmp(found, argv[i]) != 0) {
			fprintf(stderr, "%s is %s\n", argv[i], found);
			return 4;
		}
	}
	while (count-- > 0) {
		struct directory *one = &directories[count];
		if ((one->user || one->group) && chown(one->path, one->user, one->group)) die(one->path);
		if (chmod(one->path, one->mode)) die(one->path);
		if (utimensat(AT_FDCWD, one->path, one->times, 0)) die(one->path);
	}
	printf("%ld entries\n", entries);
	return 0;
}

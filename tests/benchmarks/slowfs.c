/* A read-only file system whose every listing takes a while: DIRS folders in hundreds, FILES files in each.
 *
 *   cc -O2 slowfs.c -o slowfs $(pkg-config --cflags --libs fuse3)
 *   slowfs MOUNTPOINT -f -o ro     (SLOWFS_DIRS=5000 SLOWFS_FILES=9 SLOWFS_MS=20)
 *
 * Stands for a cloud mount: a listing costs a round trip, what a listing has shown is known (readdirplus).
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static int dirs = 5000, files = 9, ms = 20;

/* Depth 0 is the root, 1 a hundred ("h12"), 2 a folder ("h12/d1234"), 3 a file; -1 does not exist. */
static int depth_of(const char *path)
{
    int h, d, f, end = 0;
    if (strcmp(path, "/") == 0)
        return 0;
    if (sscanf(path, "/h%d/d%d/f%d.mkv%n", &h, &d, &f, &end) == 3 && end && !path[end])
        return d / 100 == h && d < dirs && f < files ? 3 : -1;
    if (sscanf(path, "/h%d/d%d%n", &h, &d, &end) == 2 && end && !path[end])
        return d / 100 == h && d < dirs ? 2 : -1;
    end = 0;
    if (sscanf(path, "/h%d%n", &h, &end) == 1 && end && !path[end])
        return h * 100 < dirs ? 1 : -1;
    return -1;
}

static void fill_stat(struct stat *st, int depth)
{
    memset(st, 0, sizeof *st);
    st->st_mode = depth == 3 ? S_IFREG | 0444 : S_IFDIR | 0555;
    st->st_nlink = depth == 3 ? 1 : 2;
    st->st_size = depth == 3 ? 1000000 : 0;
    st->st_mtime = 1500000000;
}

static int slow_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
    int depth = depth_of(path);
    (void)fi;
    if (depth < 0)
        return -ENOENT;
    fill_stat(st, depth);
    return 0;
}

static int slow_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t off, struct fuse_file_info *fi,
                        enum fuse_readdir_flags flags)
{
    int depth = depth_of(path), first = 0, count = 0, number = 0;
    struct timespec wait = {ms / 1000, (ms % 1000) * 1000000L};
    struct stat st;
    char name[64];
    (void)off, (void)fi, (void)flags;
    if (depth < 0 || depth == 3)
        return -ENOENT;
    nanosleep(&wait, NULL);
    if (depth == 0)
        count = (dirs + 99) / 100;
    else if (depth == 1 && sscanf(path, "/h%d", &number) == 1)
        first = number * 100, count = dirs - first < 100 ? dirs - first : 100;
    else if (depth == 2)
        count = files;
    fill_stat(&st, depth + 1);
    fill(buf, ".", NULL, 0, 0);
    fill(buf, "..", NULL, 0, 0);
    for (int i = first; i < first + count; i++) {
        snprintf(name, sizeof name, depth == 0 ? "h%d" : depth == 1 ? "d%d" : "f%d.mkv", i);
        fill(buf, name, &st, 0, FUSE_FILL_DIR_PLUS);
    }
    return 0;
}

static void *slow_init(struct fuse_conn_info *conn, struct fuse_config *config)
{
    conn->want |= FUSE_CAP_READDIRPLUS;
    conn->want &= ~FUSE_CAP_READDIRPLUS_AUTO;
    conn->max_background = 64;
    config->entry_timeout = config->attr_timeout = 60;
    return NULL;
}

static const struct fuse_operations operations = {
    .init = slow_init,
    .getattr = slow_getattr,
    .readdir = slow_readdir,
};

static int from(const char *name, int otherwise)
{
    return getenv(name) ? atoi(getenv(name)) : otherwise;
}

int main(int argc, char *argv[])
{
    dirs = from("SLOWFS_DIRS", dirs);
    files = from("SLOWFS_FILES", files);
    ms = from("SLOWFS_MS", ms);
    return fuse_main(argc, argv, &operations, NULL);
}

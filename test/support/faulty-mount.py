"""Shows the folder argv[1] at the folder argv[2], with the faults that the file argv[3] names.

One fault a line: OPERATION:hang holds the operation until the line is gone; OPERATION:ERROR[:TIMES]
fails it, for ever or as often as told. OPERATION is a method below, or *.
"""
import errno
import os
import sys
import threading
import time

from fusepy import FUSE, FuseOSError, Operations

root, at, faults = sys.argv[1:4]
counts = {}
lock = threading.Lock()


def lines():
    with open(faults) as file:
        return [line.strip().split(':') for line in file if line.strip()]


def fault(operation):
    for name, what, *times in lines():
        if name not in (operation, '*'):
            continue
        while what == 'hang' and [name, what] in lines():
            time.sleep(0.05)
        if what == 'hang':
            continue
        key = (name, what, *times)
        with lock:
            counts[key] = counts.get(key, 0) + 1
            done = counts[key]
        if not times or done <= int(times[0]):
            raise FuseOSError(getattr(errno, what))


def told(names, facts):
    return {name: getattr(facts, name) for name in names}


stat_names = 'st_atime st_ctime st_gid st_ino st_mode st_mtime st_nlink st_size st_uid'.split()
room_names = 'f_bavail f_bfree f_blocks f_bsize f_favail f_ffree f_files f_frsize f_namemax'.split()


class Faulty(Operations):
    def __call__(self, operation, path, *rest):
        fault(operation)
        try:
            return super().__call__(operation, root + path, *rest)
        except FuseOSError:
            raise
        except OSError as error:
            raise FuseOSError(error.errno)

    def getattr(self, path, fh=None):
        return told(stat_names, os.lstat(path))

    def readdir(self, path, fh):
        return ['.', '..'] + os.listdir(path)

    def statfs(self, path):
        return told(room_names, os.statvfs(path))

    def mkdir(self, path, mode):
        os.mkdir(path, mode)

    def unlink(self, path):
        os.unlink(path)

    def link(self, path, old):
        os.link(root + old, path)

    def rename(self, old, new):
        os.rename(old, root + new)

    def open(self, path, flags):
        return os.open(path, flags)

    def create(self, path, mode, fi=None):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

    def read(self, path, size, offset, fh):
        return os.pread(fh, size, offset)

    def write(self, path, data, offset, fh):
        return os.pwrite(fh, data, offset)

    def flush(self, path, fh):
        return 0

    def fsync(self, path, datasync, fh):
        return os.fsync(fh)

    def fsyncdir(self, path, datasync, fh):
        return 0

    def release(self, path, fh):
        os.close(fh)


FUSE(
    Faulty(),
    at,
    foreground=True,
    attr_timeout=0,
    entry_timeout=0,
    big_writes=True,
    hard_remove=True,
)

"""
What a program might try. Each attack defines `attack(folder, owner)`, which gives "escaped" where it got what it wanted.

`ends` says how the sandbox must end it: with a reason, or `held` where the program lives on without having got anything.
Attacks that are `tame` do no harm outside a sandbox either: there, each must say "escaped".
"""

from typing import NamedTuple

IMPORTS = (
    "asyncio",
    "atexit",
    "ctypes",
    "encodings.idna",
    "fcntl",
    "gc",
    "io",
    "json",
    "mmap",
    "multiprocessing.popen_fork",
    "resource",
    "re",
    "select",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "weakref",
)
PRELUDE = """
import atexit, builtins, ctypes, gc, json, mmap, os, platform, re, resource, signal, socket, sys, threading, time, weakref
libc = ctypes.CDLL(None, use_errno=True)
COLUMN = {"x86_64": 0, "aarch64": 1}[platform.machine()]
def syscall(numbers, *arguments):
    return libc.syscall(ctypes.c_long(numbers[COLUMN]), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
def returns(numbers, *arguments):
    syscall(numbers, *arguments)
    return "escaped"
def got(what):
    return "escaped" if what else "held"
"""


class Attack(NamedTuple):
    """A program, how it must end, and whether it may be tried without a sandbox."""

    name: str
    source: str
    ends: str
    tame: bool = True


def python(ends: str, *, tame: bool = True, **bodies: str) -> list[Attack]:
    """Attacks by the body of `attack`."""
    attacks = []
    for name, body in bodies.items():
        lines = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
        source = f"{PRELUDE}def attack(folder, owner):\n{lines}\n"
        attacks.append(Attack(name, source, ends, tame))
    return attacks


def calls(*, tame: bool = True, **numbers: tuple[int, int, str]) -> list[Attack]:
    """Attacks by system calls, with such arguments that they do nothing even where they are allowed."""
    return [
        attack
        for name, (x86, arm, arguments) in numbers.items()
        for attack in python("forbidden", tame=tame, **{f"call_{name}": f"return returns(({x86}, {arm}), {arguments})"})
    ]


FILES = [
    *python(
        "error",
        read_file="return got(open('/etc/passwd').read())",
        read_own_source="return got(open(os.__file__).read())",
        write_file="open(folder + '/written', 'w').write('x'); return 'escaped'",
        append_file="open(folder + '/canary', 'a').write('x'); return 'escaped'",
        list_folder="return got(os.listdir('/'))",
        walk_proc="return got(os.listdir('/proc/self/fd'))",
        read_environ="return got(open('/proc/self/environ', 'rb').read() is not None)",
        read_maps="return got(open('/proc/self/maps').read())",
        write_own_memory="open('/proc/self/mem', 'r+b'); return 'escaped'",
        read_owners_memory="open(f'/proc/{owner}/mem', 'rb'); return 'escaped'",
        read_sys="return got(os.listdir('/sys'))",
        open_null="open('/dev/null', 'w'); return 'escaped'",
        open_terminal="return got(os.open('/dev/zero', os.O_RDONLY) >= 0)",
        stat_file="return got(os.stat('/etc/passwd'))",
        read_link="return got(os.readlink('/proc/self/exe'))",
        working_folder="return got(os.getcwd())",
        unbuffered="import io; io.FileIO('/etc/passwd'); return 'escaped'",
        database_file="import sqlite3; sqlite3.connect(folder + '/base').execute('CREATE TABLE t (x)'); return 'escaped'",
        attach_database="""
import sqlite3
base = sqlite3.connect(':memory:')
base.execute('ATTACH ? AS other', (folder + '/attached',)); base.execute('CREATE TABLE other.t (x)')
return 'escaped'
""",
        import_from_disk="sys.path.append(os.path.dirname(os.__file__)); import wave; return 'escaped'",
        temporary_file="import tempfile; tempfile.TemporaryFile(dir=folder); return 'escaped'",
    ),
    *python(
        "error",
        tame=False,
        remove_tree="import shutil; shutil.rmtree(folder); return 'escaped'",
    ),
    *python(
        "held",
        does_it_exist="return got(os.path.exists('/etc/passwd'))",
        may_i_read="return got(os.access('/etc/passwd', os.R_OK))",
        open_by_libc="return got(libc.open(b'/etc/passwd', 0) >= 0)",
        open_by_call="return got(syscall((257, 56), -100, b'/etc/passwd', 0, 0) >= 0)",
    ),
    *python(
        "forbidden",
        make_folder="os.mkdir(folder + '/made'); return 'escaped'",
        make_link="os.symlink('/etc/passwd', folder + '/link'); return 'escaped'",
        make_pipe="os.mkfifo(folder + '/fifo'); return 'escaped'",
        change_folder="os.chdir('/'); return 'escaped'",
        memory_file="os.memfd_create('x'); return 'escaped'",
    ),
    *python(
        "forbidden",
        tame=False,
        remove_file="os.unlink(folder + '/canary'); return 'escaped'",
        rename_file="os.rename(folder + '/canary', folder + '/gone'); return 'escaped'",
        cut_file="os.truncate(folder + '/canary', 0); return 'escaped'",
        change_mode="os.chmod(folder + '/canary', 0o777); return 'escaped'",
        remove_folder="os.rmdir(folder + '/inner'); return 'escaped'",
        change_root="os.chroot(folder); return 'escaped'",
        make_device="os.mknod(folder + '/device', 0o20600, os.makedev(1, 3)); return 'escaped'",
    ),
    *calls(
        openat2=(437, 437, "-100, b'/etc/passwd', None, 0"),
        open_by_handle_at=(304, 265, "-1, None, 0"),
        name_to_handle_at=(303, 264, "-1, None, None, None, 0"),
        inotify_init1=(294, 26, "0"),
        fanotify_init=(300, 262, "-1, 0"),
        setxattr=(188, 5, "None, None, None, 0, 0"),
        utimensat=(280, 88, "-1, None, None, 0"),
        fallocate=(285, 47, "-1, 0, 0, 0"),
        memfd_secret=(447, 447, "-1"),
        quotactl=(179, 60, "-1, None, 0, None"),
        quotactl_fd=(443, 443, "-1, -1, 0, None"),
    ),
]
NETWORK = [
    *python(
        "forbidden",
        internet="socket.socket(socket.AF_INET, socket.SOCK_STREAM); return 'escaped'",
        datagrams="socket.socket(socket.AF_INET, socket.SOCK_DGRAM); return 'escaped'",
        internet_6="socket.socket(socket.AF_INET6, socket.SOCK_STREAM); return 'escaped'",
        unix_socket="socket.socket(socket.AF_UNIX, socket.SOCK_STREAM); return 'escaped'",
        netlink="socket.socket(socket.AF_NETLINK, socket.SOCK_RAW); return 'escaped'",
        socket_pair="socket.socketpair(); return 'escaped'",
        resolve="socket.getaddrinfo('localhost', 80); return 'escaped'",
        event_loop="import asyncio; asyncio.run(asyncio.sleep(0)); return 'escaped'",
    ),
    *calls(
        packet_socket=(41, 198, "17, 3, 0"),
        vsock=(41, 198, "40, 1, 0"),
        kernel_crypto=(41, 198, "38, 5, 0"),
        connect=(42, 203, "-1, None, 0"),
        bind=(49, 200, "-1, None, 0"),
        sendmsg=(46, 211, "-1, None, 0"),
        recvmsg=(47, 212, "-1, None, 0"),
        sendto=(44, 206, "-1, None, 0, 0, None, 0"),
        accept4=(288, 242, "-1, None, None, 0"),
    ),
]
PROCESSES = [
    *python(
        "forbidden",
        fork="""
if not os.fork(): os._exit(0)
os.wait(); return 'escaped'
""",
        spawn="os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0); return 'escaped'",
        by_shell="os.system('true'); return 'escaped'",
        thread="thread = threading.Thread(target=int); thread.start(); thread.join(); return 'escaped'",
        signal_zero="os.kill(owner, 0); return 'escaped'",
        signal_itself="os.kill(os.getpid(), 0); return 'escaped'",
        signal_thread="return returns((200, 130), 1, 0)",
        parents_pid="return got(os.getppid())",
        who_am_i="os.getuid(); return 'escaped'",
        session="return returns((124, 156), 0)",
        scheduling="os.sched_yield(); os.nice(0); return 'escaped'",
    ),
    *python(
        "error|forbidden",
        subprocess="import subprocess; subprocess.run(['/bin/true']); return 'escaped'",
        multiprocessing="""
import multiprocessing
process = multiprocessing.get_context('fork').Process(target=int)
process.start(); process.join(); return 'escaped'
""",
    ),
    *python(
        "forbidden",
        tame=False,
        execute="os.execv('/bin/true', ['true'])",
        kill_owner="os.kill(owner, signal.SIGKILL); return 'escaped'",
        kill_all="os.kill(-1, signal.SIGKILL); return 'escaped'",
        kill_group="os.killpg(0, signal.SIGKILL); return 'escaped'",
        stop_itself="os.kill(os.getpid(), signal.SIGSTOP); return 'escaped'",
        vfork="libc.vfork(); return 'escaped'",
        fork_bomb="""
while True:
    try: os.fork()
    except OSError: pass
""",
        thread_bomb="""
while True:
    threading.Thread(target=time.sleep, args=(60,)).start()
""",
        lift_death_signal="libc.prctl(1, 0, 0, 0, 0); return 'escaped'",
        become_dumpable="libc.prctl(4, 1, 0, 0, 0); return 'escaped'",
        keep_capabilities="libc.prctl(8, 1, 0, 0, 0); return 'escaped'",
        another_filter="libc.prctl(22, 2, None, 0, 0); return 'escaped'",
    ),
    *python(
        "held|error",
        tame=False,
        limits_by_prlimit="resource.setrlimit(resource.RLIMIT_AS, (-1, -1)); return 'escaped'",
        ignore_time="signal.signal(signal.SIGPROF, signal.SIG_IGN); return 'escaped'",
        block_signals="signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64)); return 'escaped'",
        signal_by_tgkill="return got(syscall((234, 131), owner, owner, 0) == 0)",
    ),
    *calls(
        clone=(56, 220, "-1, None, None, None, None"),
        clone3=(435, 435, "None, 0"),
        execveat=(322, 281, "-1, None, None, None, 0"),
        ptrace=(101, 117, "16, 0, None, None"),
        process_vm_readv=(310, 270, "0, None, 0, None, 0, 0"),
        process_vm_writev=(311, 271, "0, None, 0, None, 0, 0"),
        process_madvise=(440, 440, "-1, None, 0, 0, 0"),
        pidfd_open=(434, 434, "-1, 0"),
        pidfd_getfd=(438, 438, "-1, -1, 0"),
        pidfd_send_signal=(424, 424, "-1, 0, None, 0"),
        kcmp=(312, 272, "0, 0, 0, 0, 0"),
        rt_sigqueueinfo=(129, 138, "-1, 0, None"),
        wait4=(61, 260, "-1, None, 1, None"),
        waitid=(247, 95, "-1, 0, None, 1, None"),
        unshare=(272, 97, "-1"),
        setns=(308, 268, "-1, -1"),
        setuid=(105, 146, "-1"),
        setresgid=(119, 149, "-1, -1, -1"),
        setgroups=(116, 159, "-1, None"),
        capset=(126, 91, "None, None"),
        setrlimit=(160, 164, "-1, None"),
        personality=(135, 92, "0xffffffff"),
        seccomp=(317, 277, "-1, 0, None"),
        landlock_create_ruleset=(444, 444, "None, 0, 1"),
        setpriority=(141, 140, "-1, 0, 0"),
        sched_setscheduler=(144, 119, "-1, 0, None"),
        sched_setaffinity=(203, 122, "-1, 0, None"),
        ioprio_set=(251, 30, "-1, 0, 0"),
        rseq=(334, 293, "None, 0, 0, 0"),
    ),
]
KERNEL = calls(
    mount=(165, 40, "None, None, None, 0, None"),
    umount2=(166, 39, "None, -1"),
    pivot_root=(155, 41, "None, None"),
    fsopen=(430, 430, "None, -1"),
    open_tree=(428, 428, "-1, None, -1"),
    move_mount=(429, 429, "-1, None, -1, None, -1"),
    mount_setattr=(442, 442, "-1, None, -1, None, 0"),
    swapon=(167, 224, "None, -1"),
    reboot=(169, 142, "0, 0, 0, None"),
    kexec_load=(246, 104, "0, -1, None, -1"),
    kexec_file_load=(320, 294, "-1, -1, 0, None, -1"),
    init_module=(175, 105, "None, 0, None"),
    finit_module=(313, 273, "-1, None, -1"),
    delete_module=(176, 106, "None, 0"),
    bpf=(321, 280, "-1, None, 0"),
    perf_event_open=(298, 241, "None, 0, 0, 0, 0"),
    userfaultfd=(323, 282, "-1"),
    io_uring_setup=(425, 425, "0, None"),
    io_uring_enter=(426, 426, "-1, 0, 0, 0, None, 0"),
    io_setup=(206, 0, "0, None"),
    keyctl=(250, 219, "-1, 0, 0, 0, 0"),
    add_key=(248, 217, "None, None, None, 0, 0"),
    request_key=(249, 218, "None, None, None, 0"),
    shmget=(29, 194, "0, 0, 0"),
    shmat=(30, 196, "-1, None, 0"),
    semget=(64, 190, "0, -1, 0"),
    msgget=(68, 186, "1, 0"),
    mq_open=(240, 180, "None, 0, 0, None"),
    clock_settime=(227, 112, "-1, None"),
    adjtimex=(159, 171, "None"),
    sethostname=(170, 161, "None, -1"),
    syslog=(103, 116, "-1, None, 0"),
    acct=(163, 89, "b'/nowhere/at/all'"),
    timer_create=(222, 107, "-1, None, None"),
    timerfd_create=(283, 85, "-1, 0"),
    setitimer=(38, 103, "-1, None, None"),
    eventfd2=(290, 19, "0, -1"),
    signalfd4=(289, 74, "-1, None, 0, 0"),
    epoll_create1=(291, 20, "-1"),
    ppoll=(271, 73, "None, -1, None, None, 0"),
    pipe2=(293, 59, "None, -1"),
    splice=(275, 76, "-1, None, -1, None, 0, 0"),
    vmsplice=(278, 75, "-1, None, 0, 0"),
    copy_file_range=(326, 285, "-1, None, -1, None, 0, 0"),
    sendfile=(40, 71, "-1, -1, None, 0"),
    mlockall=(151, 230, "0"),
    mbind=(237, 235, "None, 0, -1, None, 0, 0"),
    move_pages=(279, 239, "0, 0, None, None, None, -1"),
    remap_file_pages=(216, 234, "None, 0, 0, 0, 0"),
    pkey_alloc=(330, 289, "-1, -1"),
    membarrier=(324, 283, "0, 0, 0"),
    futex_requeue=(202, 98, "None, 3, 0, 0, None, 0"),
    futex_priority=(202, 98, "None, 6, 0, None, None, 0"),
    futex_waitv=(449, 449, "None, 0, -1, None, 0"),
    unknown=(9999, 9999, ""),
    negative=(-1, -1, ""),
)
DESCRIPTORS = [
    *python(
        "held",
        tame=False,
        write_to_others="""
def writes(descriptor):
    try: return os.write(descriptor, b'x')
    except OSError: return 0
return got(any(writes(descriptor) for descriptor in range(200) if descriptor != 3))
""",
        read_any="""
def reads(descriptor):
    try: os.read(descriptor, 1); return True
    except OSError: return False
return got(any(reads(descriptor) for descriptor in range(200)))
""",
        copy_by_fcntl="return got(libc.fcntl(3, 0, 0) >= 0)",
    ),
    *python("error", tame=False, duplicate="os.dup(3); return 'escaped'"),
    *calls(
        dup=(32, 23, "-1"),
        dup3=(292, 24, "-1, -1, 0"),
        close_range=(436, 436, "-1, 0, 0"),
        writev=(20, 66, "-1, None, 0"),
        pwrite64=(18, 68, "-1, None, 0, 0"),
    ),
    *python(
        "forbidden",
        pipe="os.pipe(); return 'escaped'",
        duplicate_over="os.dup2(2, 9); return 'escaped'",
    ),
]
MEMORY = [
    *python(
        "memory",
        tame=False,
        huge_text="return got('x' * 10 ** 11)",
        growing_list="""
grown = [0]
while True: grown += grown
""",
        many_texts="""
grown = []
while True: grown.append('x' * (1 << 20))
""",
        huge_number="return got(1 << (1 << 40))",
    ),
    *python(
        "forbidden",
        executable_pages="return got(libc.mmap(None, ctypes.c_size_t(4096), 7, 0x22, -1, ctypes.c_long(0)))",
        executable_later="""
page = libc.mmap
page.restype = ctypes.c_void_p
at = page(None, ctypes.c_size_t(4096), 3, 0x22, -1, ctypes.c_long(0))
return got(libc.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(4096), 5) == 0)
""",
        executable_by_module="mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC); return 'escaped'",
        shared_memory="mmap.mmap(-1, 4096); return 'escaped'",
        huge_pages="libc.mmap(None, ctypes.c_size_t(4096), 3, 0x40022, -1, ctypes.c_long(0)); return 'escaped'",
        locked_memory="libc.mmap(None, ctypes.c_size_t(4096), 3, 0x2022, -1, ctypes.c_long(0)); return 'escaped'",
    ),
    *python(
        "held",
        tame=False,
        map_until_full="""
libc.mmap.restype = ctypes.c_void_p
for _ in range(100):
    if libc.mmap(None, ctypes.c_size_t(1 << 30), 3, 0x4022, -1, ctypes.c_long(0)) == ctypes.c_void_p(-1).value: return 'held'
return 'escaped'
""",
        poison_pages="return got(libc.madvise(ctypes.c_void_p(id(0) & ~4095), ctypes.c_size_t(4096), 100) == 0)",
        others_clocks="return got(any(libc.clock_gettime(~pid << 3 | 2, bytes(16)) == 0 for pid in range(1, 50)))",
        others_environment="""
environ = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, 'environ')
seen, i = list(os.environ.items()), 0
while environ and environ[i]: seen.append(environ[i]); i += 1
return got(seen)
""",
        search_memory="""
libc.sbrk.restype = ctypes.c_void_p
arena = id(object()) >> 20 << 20
secret = ('SEC' + 'RET-OF-ANOTHER').encode()
return got(secret in ctypes.string_at(libc.sbrk(0) - (1 << 19), 1 << 19) or secret in ctypes.string_at(arena, 1 << 20))
""",
    ),
    *python(
        "killed",
        tame=False,
        null_pointer="ctypes.string_at(0); return 'escaped'",
        jump_nowhere="ctypes.CFUNCTYPE(None)(16)(); return 'escaped'",
        broken_object="""
ctypes.memset(id(None), 255, 64)
return {None: [None] * 3}
""",
        abort="os.abort()",
    ),
]
TIME = [
    *python(
        "timeout",
        tame=False,
        endless="while True: pass",
        endless_except="""
while True:
    try:
        while True: pass
    except BaseException: pass
""",
        huge_power="return 7 ** 7 ** 10 and 'escaped'",
        slow_pattern="return re.match('(a+)+$', 'a' * 60 + 'b')",
        endless_repr="""
class Slow:
    def __repr__(self):
        while True: pass
return Slow()
""",
        endless_told="""
class Slow(Exception):
    def __str__(self):
        while True: pass
raise Slow
""",
        caught_memory="""
grown = []
while True:
    try: grown.append(bytearray(1 << 20))
    except MemoryError: pass
""",
        endless_in_c="return sum(iter(int, 1))",
        long_digits="""
sys.set_int_max_str_digits(0)
return str(1 << 60_000_000)
""",
    ),
    *python(
        "timeout|killed|memory|held",
        tame=False,
        deep_in_c="""
sys.setrecursionlimit(10 ** 9)
deep = []
for _ in range(30_000): deep = [deep]
repr(deep); return 'held'
""",
    ),
    *python(
        "error",
        tame=False,
        deep_recursion="return attack(folder, owner)",
        digits="return str(10 ** 10_000)",
        exit_at_once="os._exit(0)",
        system_exit="sys.exit(0)",
        interrupt="raise KeyboardInterrupt",
        hostile_error="""
class Hostile(BaseException):
    def __str__(self): raise self
raise Hostile
""",
        repr_of_no_text="""
class Wrong:
    def __repr__(self): return 3
return Wrong()
""",
    ),
]
WALL = python(
    "timeout",
    tame=False,
    sleep="time.sleep(10 ** 6); return 'escaped'",
    dead_lock="lock = threading.Lock(); lock.acquire(); lock.acquire(); return 'escaped'",
)
OUTPUT = [
    *python(
        "output",
        tame=False,
        large_answer="return 'x' * 10 ** 6",
        flood="""
while True: os.write(3, b'v' * 65536)
""",
        flood_once="os.write(3, b'v' * 40_000); os._exit(0)",
    ),
    *python(
        "held",
        tame=False,
        printed_flood="""
for _ in range(1000): print('x' * 1000)
return 'held'
""",
        printed_to_terminal="print('correct', file=sys.__stdout__ or sys.stderr); return 'held'",
    ),
    *python(
        "not a literal",
        tame=False,
        answers_an_object="return object()",
        answers_a_call="""
class Call:
    def __repr__(self): return "__import__('os').system('touch " + folder + "/called')"
return Call()
""",
        answers_deep="""
class Deep:
    def __repr__(self): return '[' * 7000 + ']' * 7000
return Deep()
""",
        answers_signs="""
class Signs:
    def __repr__(self): return '-' * 15000 + '1'
return Signs()
""",
        answers_a_sum="""
class Sum:
    def __repr__(self): return '+'.join(['1'] * 7000)
return Sum()
""",
        answers_digits="""
class Digits:
    def __repr__(self): return '9' * 15000
return Digits()
""",
        answers_unhashable="""
class Wrong:
    def __repr__(self): return '{[]: 1}'
return Wrong()
""",
        answers_infinity="return 1e999",
        answers_nothing_read="os.write(3, b'v'); os._exit(0)",
        answers_bytes="os.write(3, bytes([118]) + bytes(range(128, 256))); os._exit(0)",
        answers_twice="os.write(3, b'v1'); return 2.5j, 'x'",
    ),
]
LATER = python(
    "held",
    tame=False,
    at_exit="atexit.register(lambda: os.write(3, b'v1')); return 'held'",
    finalizer="""
class Late:
    def __del__(self): os.write(3, b'v1')
globals()['late'] = Late(); return 'held'
""",
    weak_finalizer="""
class Late: pass
globals()['late'] = late = Late(); weakref.finalize(late, os.write, 3, b'v1'); return 'held'
""",
    hooks="sys.excepthook = sys.unraisablehook = lambda *_: os.write(3, b'v1'); return 'held'",
)
INSIDE = [
    *python(
        "held|error|forbidden|killed",
        tame=False,
        walk_frames="""
frame, seen = sys._getframe(), []
while frame:
    seen.append((frame.f_code.co_name, sorted(frame.f_locals)))
    for value in list(frame.f_locals.values()):
        for name in ('_control', '_owner'):
            try: found = getattr(value, name)
            except Exception: continue
            os.write(found if isinstance(found, int) else found.fileno(), b'r')
            return 'escaped'
    frame = frame.f_back
return 'held'
""",
        walk_objects="""
for found in gc.get_objects():
    if isinstance(found, socket.socket):
        found.send(b'r')
        return 'escaped'
return 'held'
""",
        call_the_server="""
import sparq_sandbox.server as server
for found in gc.get_objects():
    if isinstance(found, server.Server):
        found.serve()
        return 'escaped'
return 'held'
""",
        live_on="""
os._exit = lambda code: None
raise SystemExit
""",
    ),
]
DOORS = [
    Attack(
        "x32",
        PRELUDE + "def attack(folder, owner):\n    libc.syscall(ctypes.c_long(0x40000000 | 39)); return 'escaped'\n",
        "forbidden",
    ),
    Attack(
        "x32_open",
        PRELUDE
        + "def attack(folder, owner):\n    libc.syscall(ctypes.c_long(0x40000000 | 2), b'/etc/passwd', 0); return 'escaped'\n",
        "forbidden",
    ),
    Attack(
        "int_0x80",
        PRELUDE
        + """
def attack(folder, owner):
    start = ctypes.cast(libc.__libc_start_main, ctypes.c_void_p).value
    place = ctypes.string_at(start, 1_200_000).find(b"\\xcd\\x80")
    if place >= 0:
        ctypes.CFUNCTYPE(ctypes.c_long)(start + place)()
        return 'escaped'
    return 'no such instruction'
""",
        "forbidden|no such instruction",
        tame=False,
    ),
]
ATTACKS = [
    *FILES,
    *NETWORK,
    *PROCESSES,
    *KERNEL,
    *DESCRIPTORS,
    *MEMORY,
    *TIME,
    *OUTPUT,
    *LATER,
    *INSIDE,
    *DOORS,
]

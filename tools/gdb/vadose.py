# SPDX-License-Identifier: BSD-2-Clause
#
# vadose.py: the virtual memory of a stopped kernel, in gdb
#
# Problem   What an address means is spread over a tree, four tables, a page's
#           struct and a forked object; by hand that is twenty prints.
#
# Picture   (gdb) vm pte 0x7ffffafbf000     vm vads     vm check
#
# Rules     1. Only reads: the machine stands still, and so may hold any lock in
#              the middle of a change.  vm check says which locks are held.
#           2. The address space is the one whose root is in CR3, or of the
#              process whose number is given last.
#           3. Names of states and kinds come from the kernel's own enums.
#
# Read next kernel/vm/space/space.h; vm alone lists the commands.

import struct

import gdb

PAGE = 4096
DIRECT = 0xffff800000000000
PFN = 0x000ffffffffff000
P, W, U, A, D, PS, NX = 1, 2, 4, 0x20, 0x40, 0x80, 1 << 63
KINDS = ['', 'TRANS', 'BUSY', 'SWAP', 'FORK', 'ERROR']
LEVELS = ['', 'pte', 'pde', 'pdpte', 'pml4e']


# ---- reading ----

def value(text):
    return gdb.parse_and_eval(text)


def number(text):
    """A number, or what C makes of it."""
    return int(value(text)) & (1 << 64) - 1


def names(enum, prefix):
    return {f.enumval: f.name[len(prefix):]
            for f in gdb.lookup_type('enum ' + enum).fields()
            if f.name.startswith(prefix)}


def memory(va, n):
    return gdb.selected_inferior().read_memory(va, n).tobytes()


def words(pa):
    """The 512 words of a table."""
    return struct.unpack('<512Q', memory(DIRECT + pa, PAGE))


def word(pa):
    return struct.unpack('<Q', memory(DIRECT + pa, 8))[0]


def container(node, kind, field):
    """The struct of a kind in which a node is a field."""
    t = gdb.lookup_type('struct ' + kind)
    offset = [f.bitpos // 8 for f in t.fields() if f.name == field][0]
    return (node.cast(gdb.lookup_type('char').pointer()) - offset).cast(t.pointer())


def listed(head, kind, field):
    """Each struct on a list."""
    node = head['head']['next']
    while node != head['head'].address:
        yield container(node, kind, field)
        node = node['next']


def in_order(node, kind, field):
    """Each struct of a tree, from left to right."""
    stack = []
    while stack or int(node):
        while int(node):
            stack.append(node)
            node = node['left']
        node = stack.pop()
        yield container(node, kind, field)
        node = node['right']


# ---- address spaces ----

def space(pid=None):
    if pid:
        for p in listed(value('procs')['all'], 'proc', 'all'):
            if int(p['pid']) == int(pid, 0):
                if not int(p['as']):
                    raise gdb.GdbError('process %s has ended' % pid)
                return p['as']
        raise gdb.GdbError('no process %s' % pid)
    root = number('$cr3') & PFN
    for a in listed(value('as_list'), 'aspace', 'all'):
        if int(a['md']['root_pa']) == root:
            return a
    raise gdb.GdbError('CR3 is of no process; say which: its number, last')


def vads(a):
    return in_order(a['map']['vads']['node'], 'vad', 'rb')


def vad_at(a, va):
    for v in vads(a):
        if int(v['start']) <= va >> 12 < int(v['end']):
            return v
    return None


def vad_text(v):
    prot, flags = int(v['prot']), int(v['flags'])
    rights = ''.join(c if prot & b else '-' for c, b in (('r', 1), ('w', 2), ('x', 4)))
    more = [n for b, n in sorted(names('vad_flag', 'VAD_').items())
            if flags & b and n not in ('SHARED', 'CHARGED')]
    what = 'private memory'
    if int(v['vmo']):
        what = '%s %s' % (names('vmo_type', 'VMO_')[int(v['vmo']['type'])], v['vmo'])
    return '%012x-%012x %s%s off %x %s %s' % (
        int(v['start']) << 12, int(v['end']) << 12, rights,
        's' if flags & 1 else 'p', int(v['off']) << 12, what, ' '.join(more))


def walk(root, va):
    """(level, where, word) from the root down, as far as it goes."""
    table = root
    for level in (4, 3, 2, 1):
        at = table + 8 * (va >> 12 + 9 * (level - 1) & 511)
        w = word(at)
        yield level, at, w
        if not w & P or level > 1 and w & PS:
            return
        table = w & PFN


def kind_of(w):
    if w & P:
        return 'VALID'
    return 'ABSENT' if w == 0 else KINDS[(w >> 1 & 7)] if w >> 1 & 7 < len(KINDS) else '?'


def flags_text(w, leaf):
    rows = [(P, 'P'), (W, 'W'), (U, 'U'), (A, 'A'), (NX, 'NX')]
    if leaf:
        rows.append((D, 'D'))
        rows.append((1 << 11, 'LOCK'))
    return ' '.join(n for b, n in rows if w & b)


def word_text(w, leaf):
    kind = kind_of(w)
    if kind == 'VALID':
        text = 'pfn 0x%x %s' % ((w & PFN) >> 12, flags_text(w, leaf))
        if leaf:
            text += ' src %s age %d' % (names('pte_src', 'SRC_')[w >> 9 & 3], w >> 52 & 3)
        return text
    what = {'TRANS': 'pfn', 'BUSY': 'pfn', 'SWAP': 'slot', 'FORK': 'entry'}.get(kind)
    return kind + (' %s 0x%x' % (what, (w & PFN) >> 12) if what else '')


def leaves(a):
    """(va, word, table's pfn) of each leaf word of the user half but ABSENT."""
    def down(table, level, va):
        for i, w in enumerate(words(table)[:256 if level == 4 else 512]):
            at = va | i << 12 + 9 * (level - 1)
            if level == 1:
                if w:
                    yield at, w, table >> 12
            elif w & P or kind_of(w) == 'TRANS':
                yield from down(w & PFN, level - 1, at)
    return down(int(a['md']['root_pa']), 4, 0)


# ---- pages ----

def page(pfn):
    return value('pfdb')[pfn]


def page_text(pg):
    state = names('page_state', 'PG_').get(int(pg['state']), '?')
    home, payload = int(pg['home']) >> 60, int(pg['home']) & (1 << 60) - 1
    home = names('page_home', 'HOME_').get(home, '?')
    flags = ' '.join(n for b, n in sorted(names('page_flag', 'PF_').items())
                     if int(pg['flags']) & b)
    text = '%s home %s' % (state, home)
    if home in ('PTE', 'FMO', 'AOBJ', 'TABLE', 'KPAGED'):
        text += ' at 0x%x' % payload
    text += ' mapped %d pins %d' % (int(pg['mapcount']), int(pg['pins']))
    if int(pg['slot']):
        text += ' slot %d' % int(pg['slot'])
    return text + (' ' + flags if flags else '')


def owner_text(pg):
    """Who would be told that the page goes."""
    home, payload = int(pg['home']) >> 60, int(pg['home']) & (1 << 60) - 1
    home = names('page_home', 'HOME_').get(home, '?')
    if home in ('PTE', 'TABLE'):
        table = page(payload >> 12)
        level = 1 if home == 'PTE' else None
        return 'owner: %s word %d of table pfn 0x%x, space %s' % (
            LEVELS[level] if level else 'a', payload % PAGE // 8, payload >> 12,
            page(table['tbl']['root'])['root']['as'])
    if home == 'FMO':
        entry = memory(DIRECT + payload, 16)
        w, refs, tag = struct.unpack('<QII', entry)
        return 'owner: forked entry, %d references, word %s, made for page 0x%x' % (
            refs, word_text(w, True), tag)
    if home == 'VNODE':
        return 'owner: page 0x%x of object 0x%x' % (int(pg['index']), DIRECT + payload)
    return 'owner: %s' % home


# ---- checks ----

class Findings:
    def __init__(self):
        self.n = 0
        self.done = []

    def say(self, text):
        self.n += 1
        if self.n <= 20:
            print('  ' + text)

    def same(self, what, want, got):
        if want != got:
            self.say('%s: %d is written down, %d are there' % (what, want, got))


def check_vads(a, f):
    last = None
    n = pages = 0
    for v in vads(a):
        start, end = int(v['start']), int(v['end'])
        if start >= end:
            f.say('vad %s is empty' % v)
        if last is not None and start < last:
            f.say('vad %s overlaps the one before' % v)
        gap = start - (last or 0)
        if int(v['gap']) != gap:
            f.say('vad %s: gap %d, should be %d' % (v, int(v['gap']), gap))
        most = max([gap] + [int(container(c, 'vad', 'rb')['maxgap'])
                            for c in (v['rb']['left'], v['rb']['right']) if int(c)])
        if int(v['maxgap']) != most:
            f.say('vad %s: maxgap %d, should be %d' % (v, int(v['maxgap']), most))
        n, pages, last = n + 1, pages + end - start, end
    f.same('nvads', int(a['map']['nvads']), n)
    f.same('total_pages', int(a['map']['total_pages']), pages)
    f.done.append('%d vads' % n)


def check_words(a, f):
    count = {'priv': 0, 'fork': 0, 'ws': 0}
    n = 0
    for va, w, table in leaves(a):
        n += 1
        kind = kind_of(w)
        src = names('pte_src', 'SRC_')[w >> 9 & 3] if kind == 'VALID' else ''
        count['priv'] += src == 'PRIV' or kind in ('TRANS', 'BUSY', 'SWAP')
        count['fork'] += src == 'FORK' or kind == 'FORK'
        count['ws'] += kind == 'VALID' and src != 'SPEC'
        if src == 'PRIV':
            check_private(va, w, table, f)
        if vad_at_cached(a, va) is None:
            f.say('0x%x: %s, and no mapping is there' % (va, word_text(w, True)))
    if int(a['table']['n_out']) == 0:  # else words are out, too
        f.same('words.priv', int(a['words']['priv']), count['priv'])
        f.same('words.fork', int(a['words']['fork']), count['fork'])
    f.same('ws.pages', int(a['ws']['pages']), count['ws'])
    f.done.append('%d words' % n)


def vad_at_cached(a, va, cache={}):
    """As vad_at(); the list of ranges is kept for one stop of the machine."""
    key = int(a), int(a['map']['nvads']), int(a['map']['total_pages'])
    if cache.get('key') != key:
        cache['key'] = key
        cache['ranges'] = [(int(v['start']), int(v['end'])) for v in vads(a)]
    for start, end in cache['ranges']:
        if start <= va >> 12 < end:
            return start
    return None


def check_private(va, w, table, f):
    pg = page((w & PFN) >> 12)
    want = 1 << 60 | table << 12 | (va >> 12 & 511) * 8
    if int(pg['home']) != want:
        f.say('0x%x: pfn 0x%x should have home 0x%x, has 0x%x'
              % (va, (w & PFN) >> 12, want, int(pg['home'])))
    if int(pg['mapcount']) != 1:
        f.say('0x%x: a private page is mapped %d times' % (va, int(pg['mapcount'])))


def queues():
    """(name, written-down length, pages) of each."""
    for i, name in enumerate(('standby', 'modified (memory)', 'modified (files)')):
        q = value('pq_queue')[i]
        pages, pfn = [], int(q['head'])
        while pfn and len(pages) <= int(q['n']):
            pages.append(pfn)
            pfn = int(page(pfn)['qnext'])
        yield name, int(q['n']), pages


def check_queues(f):
    want = [('STANDBY',), ('MODIFIED',), ('MODIFIED',)]
    state = names('page_state', 'PG_')
    for (name, n, pages), states in zip(queues(), want):
        f.same('queue ' + name, n, len(pages))
        for pfn in pages:
            if state.get(int(page(pfn)['state'])) not in states:
                f.say('pfn 0x%x on queue %s is %s' % (pfn, name, page_text(page(pfn))))
    f.done.append('3 queues')


def check_locks(a):
    held = []
    for name, text in (('map_lock', 'writer'), ('ws_lock', 'owner')):
        fields = [x.name for x in a[name].type.fields()]
        if text in fields and int(a[name][text]) & ~3: # MUTEX_BITS
            held.append(name)
    if int(value('pfn_lock.holder')):
        held.append('pfn_lock')
    return held


# ---- commands ----

def do_vads(args):
    """vads [PID]            the mappings, as the tree has them"""
    a = space(args[0] if args else None)
    for v in vads(a):
        print(vad_text(v))


def do_pte(args):
    """pte ADDR [PID]        the walk of an address, and the page at its end"""
    a, va = space(args[1] if len(args) > 1 else None), number(args[0])
    print('root pfn 0x%x of space %d' % (int(a['md']['root_pa']) >> 12, int(a['id'])))
    for level, at, w in walk(int(a['md']['root_pa']), va):
        print('%-5s at 0x%x: 0x%016x %s' % (LEVELS[level], at, w, word_text(w, level == 1)))
    if level == 1 and kind_of(w) in ('VALID', 'TRANS', 'BUSY'):
        print('page  %s' % page_text(page((w & PFN) >> 12)))


def do_page(args):
    """page PFN              a frame: its state, and whose it is"""
    pfn = number(args[0])
    print('pfn 0x%x: %s' % (pfn, page_text(page(pfn))))
    print(owner_text(page(pfn)))


def do_fmo(args):
    """fmo [GEN]             forked memory objects; of one, its entries"""
    for m in listed(value('fmos')['live'], 'fmo', 'all'):
        if args and int(m['gen']) != number(args[0]):
            continue
        print('fork %d: %d entries, %d live, %d references, %d processes' % (
            int(m['gen']), int(m['n']), int(m['live']), int(m['nrefs']), int(m['procs'])))
        for i in range(int(m['n']) if args else 0):
            e = 0xffffc00000000000 + 16 * (int(m['base']) + i)
            try:
                w, refs, tag = struct.unpack('<QII', memory(e, 16))
            except gdb.MemoryError:
                print('  %4d on swap' % i)
                continue
            if refs:
                print('  %4d page 0x%x refs %d %s' % (i, tag, refs, word_text(w, True)))


def do_shadow(args):
    """shadow [PID]          design shadow: the chain of objects behind each mapping"""
    a = space(args[0] if args else None)
    if a['design']['name'].string() != 'shadow':
        raise gdb.GdbError('its design is ' + a['design']['name'].string())
    if not int(a['dpriv']):
        raise gdb.GdbError('it has ended')
    entries = a['dpriv'].cast(gdb.lookup_type('struct sh_space').pointer())['entries']
    for e in in_order(entries['node'], 'sh_entry', 'rb'):
        lo, hi, o, depth = int(e['start']), int(e['end']), e['top'], 0
        if not int(o['n']) and not int(o['parent']):
            continue
        print('%012x-%012x' % (lo << 12, hi << 12))
        while int(o):
            print('%s0x%x: %d pages%s' % (
                '  top ' if depth == 0 else '   ' * depth + '  └→ ', int(o), int(o['n']),
                ', %d children' % int(o['num_children']) if depth else ''))
            o, depth = o['parent'], depth + 1


def do_queues(args):
    """queues                frames by state, and the queues of unused pages"""
    cpus, first = value('cpu_rows'), int(value('MD_WORD_PAGES'))
    for i, name in sorted(names('page_state', 'PG_').items()):
        if name != 'NSTATES':
            total = sum(int(cpus[c]['word'][first + i])
                        for c in range(cpus.type.range()[1] + 1))
            print('%-9s %d' % (name, total & (1 << 64) - 1))
    for name, n, pages in queues():
        print('queue %s: %d%s' % (name, n, ': oldest 0x%x' % pages[0] if pages else ''))


def do_check(args):
    """check [PID]           do tree, words, pages and queues agree?"""
    a, f = space(args[0] if args else None), Findings()
    check_vads(a, f)
    check_words(a, f)
    check_queues(f)
    held = check_locks(a)
    if f.n and held:
        print('  (held now: %s; what it guards may be half changed)' % ', '.join(held))
    print('%d findings in %s' % (f.n, ', '.join(f.done)))


def do_ws(args):
    """ws [PID]              the working set: how large, how old"""
    a = space(args[0] if args else None)
    now, peak, least, most = (int(a['ws'][x]) for x in ('pages', 'peak', 'min', 'max'))
    print('%d pages, at most %d so far; at least %d stay, %s' % (
        now, peak, least, 'no upper limit' if most == (1 << 64) - 1 else 'at most %d' % most))
    print('ages %s; %d trimmed' % (
        ' '.join(str(int(a['ws']['ages'][i])) for i in range(4)), int(a['ws']['trimmed'])))


def do_counters(args):
    """counters [PREFIX]     the counters that are not 0"""
    rows, count = value('ev_rows'), value('ev_cells')
    cpus = range(count.type.range()[1] + 1)
    for i in range(rows.type.range()[1] + 1):
        name = rows[i]['name'].string()
        total = sum(int(count[c][i]) for c in cpus) & (1 << 64) - 1
        if total and name.startswith(args[0] if args else ''):
            print('%s %d' % (name, total))


def do_why(args):
    """why ADDR [PID]        what the next load and the next store would do"""
    a, va = space(args[1] if len(args) > 1 else None), number(args[0])
    v = vad_at(a, va)
    if v is None:
        print('no mapping there: SIGSEGV')
        return
    print(vad_text(v))
    level, at, w = list(walk(int(a['md']['root_pa']), va))[-1]
    prot, private = int(v['prot']), not int(v['vmo'])
    print('load   %s' % why(w, level, prot & 1, False, private))
    print('store  %s' % why(w, level, prot & 2, True, private))


def why(w, level, allowed, store, private):
    if not allowed:
        return 'the mapping forbids it: SIGSEGV'
    kind = kind_of(w)
    if level > 1 and w == 0 or kind == 'ABSENT':
        if private:
            return 'F1 zero-fill' if store else 'F1z the common zero page'
        return 'the object is asked for its page (F2, F3, F9)'
    if level > 1:
        return 'F10: the table is read first'
    if kind != 'VALID':
        return {'TRANS': 'F7 rescue', 'BUSY': 'F6 waits', 'SWAP': 'F5 swap-in',
                'FORK': 'F4 break fork' if store else 'F8 fork map',
                'ERROR': 'F11 SIGBUS'}[kind]
    if not store or w & W:
        return 'the word allows it' if w & U else 'traps: the word is hidden (no U)'
    return {'PRIV': 'upgrade', 'FORK': 'F4 break fork', 'SPEC': 'F1 over the zero page',
            'OBJ': 'F3 private copy, or upgrade if shared'}[names('pte_src', 'SRC_')[w >> 9 & 3]]


COMMANDS = {f.__name__[3:]: f for f in (
    do_vads, do_pte, do_page, do_fmo, do_shadow, do_queues, do_check, do_ws, do_counters, do_why)}
NEED = {'pte': 1, 'page': 1, 'why': 1}


class Vm(gdb.Command):
    """The kernel's virtual memory: vm alone lists what there is."""

    def __init__(self):
        super().__init__('vm', gdb.COMMAND_DATA)

    def invoke(self, text, from_tty):
        args = gdb.string_to_argv(text)
        if not args or args[0] not in COMMANDS or len(args) - 1 < NEED.get(args[0], 0):
            for name in sorted(COMMANDS):
                print('vm ' + COMMANDS[name].__doc__)
            return
        try:
            COMMANDS[args[0]](args[1:])
        except gdb.error as e:
            raise gdb.GdbError('%s (an expression with blanks stands in quotes)' % e)

    def complete(self, text, start):
        return [c for c in COMMANDS if c.startswith(text)]


Vm()

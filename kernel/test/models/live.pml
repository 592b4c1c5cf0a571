/*
 * Problem: with very few frames, faults take each other's pages for ever and none ends
 * (book: deadlock D6): livelock, which wait.pml cannot see, for its daemons are not fair.
 * Modelled: NT threads of different processes that fault for ever.  A fault needs the page of
 * its VAD (S0), its table (S1), its data (S2), both brought by I/O, then used in a later pass.
 * Each of them that is out takes a frame: a free one, or that of the first in a queue that is
 * not pinned (trim, write and steal in one step, no credit for use).  The VAD joins it at its end;
 * what has been read at its head, for standby may be as short as you like: it is the next to go
 * unless a token holder has pinned it from the beginning of the read on.  After R passes a fault
 * takes one of TOK tokens, for which it waits holding nothing, or holds one already.
 * Abstracted: locks (wait.pml), I/O errors, what the daemons need; who has no token keeps no pin
 * (the code keeps them up to the next wait for memory, takes a token only while memory is low,
 * and pins what it reads after 4 passes).
 * Result: no cycle in which nobody's fault ends (-DNP, weak fairness), if the pages that token
 * holders need fit into the frames: NF >= 3 * TOK.  The argument: in such a cycle only token
 * holders act; what they have read stays; a VAD that has come goes only after all others of the NF
 * that are not pinned, and by then all that are needed are there.  In the kernel a fault needs at
 * most 9 pins, a page of VADs and a spare, and there are 32 evictable frames for each token, or
 * two tokens: 22 evictable frames are enough.
 * Run: spin -a live.pml && gcc -O2 -DNP -DNFAIR=3 -o pan pan.c && ./pan -m1000000 -l -f
 * Planted bugs (-DBUGn for spin), caught:
 *  BUG1 no token after R passes    BUG2 the newest page goes first
 *  BUG3 a frame fewer than the token holder's pages    BUG4 data that was read is not pinned
 */
#ifndef NT
#define NT 2
#endif
#ifndef TOK
#define TOK 1
#endif
#ifndef NF
#ifdef BUG3
#define NF (3 * TOK - 1)
#else
#define NF (3 * TOK)
#endif
#endif
#define R 1
#define NPAGE (3 * NT)
#define VAD(t) (t)
#define TAB(t) (NT + t)
#define DAT(t) (2 * NT + t)
bool in[NPAGE], pinned[NPAGE];
byte q[NF];                     /* resident pages, the first to come first */
byte nq, tokens = TOK, i;

/* A place on the queue: page p, out of memory, comes; the oldest that may go goes. */
#define MAYGO(k) (k < nq && !pinned[q[k]])
inline come(p, pin, first) {
  atomic {
    if
    :: nq < NF -> skip
    :: nq == NF ->
#ifdef BUG2
       i = nq; do :: i > 0 && !MAYGO(i - 1) -> i-- :: i == 0 -> break :: i > 0 && MAYGO(i - 1) -> i--; break od;
       assert(!pinned[q[i]]);
#else
       i = 0; do :: i < nq && !MAYGO(i) -> i++ :: else -> break od;
       if :: i == nq -> goto nothing :: else -> skip fi;
#endif
       in[q[i]] = false; nq--;
       do :: i < nq -> q[i] = q[i + 1]; i++ :: else -> break od
    fi;
    i = nq;
    do :: first && i > 0 -> q[i] = q[i - 1]; i-- :: else -> break od;
    q[i] = p; nq++; in[p] = true; pinned[p] = pin; i = 0
  }
}
/* The data page is unmapped and gone: the next fault reads it again. */
inline go(p) {
  d_step { i = 0; do :: i < nq && q[i] != p -> i++ :: else -> break od;
    in[p] = false; nq--; do :: i < nq -> q[i] = q[i + 1]; i++ :: else -> break od; q[nq] = 0; i = 0 }
}

active [NT] proctype fault() {
  byte t = _pid, passes; bool tok;
pass:
  if
#ifndef BUG1
  :: !tok && passes > R ->
     d_step { pinned[TAB(t)] = false; pinned[DAT(t)] = false };  /* waits holding nothing */
     atomic { tokens > 0 -> tokens--; tok = true }
#endif
  :: else -> skip
  fi;
  if
  :: atomic { in[VAD(t)] -> skip }
  :: atomic { !in[VAD(t)] -> skip }; come(VAD(t), false, false); goto again   /* nested: looks again */
  fi;
  if
  :: atomic { in[TAB(t)] -> pinned[TAB(t)] = tok }
  :: atomic { !in[TAB(t)] -> skip }; come(TAB(t), tok, true); goto again
  fi;
  if
  :: atomic { in[DAT(t)] -> skip }
#ifdef BUG4
  :: atomic { !in[DAT(t)] -> skip }; come(DAT(t), false, true); goto again
#else
  :: atomic { !in[DAT(t)] -> skip }; come(DAT(t), tok, true); goto again  /* mapped in another pass */
#endif
  fi;
progress:
  d_step { pinned[TAB(t)] = false; pinned[DAT(t)] = false; passes = 0;
    if :: tok -> tokens++; tok = false :: else -> skip fi };
  go(DAT(t));
  goto pass;
nothing:                                       /* phys_wait: all are pinned */
  i = 0;
again:
  if :: passes <= R -> passes++ :: else -> skip fi;
  goto pass
}

/*
 * Problem: a mutex that is always handed to who sleeps costs a switch each time from then on;
 * one that is free for all starves sleepers. Who comes may pass a sleeper, who waits no
 * longer than a tick (book: locks).
 * Modelled: the word of kern/mutex.c (owner, WAITED, CALLED), its spin lock, its queue, the
 * clock; NT threads that take and leave it for ever.
 * Abstracted: sleeping is waiting for woken; a tick is any time; who looks a while does not.
 * Checked: one is inside; only who was called sleeps while it is free; whoever is
 * the last that knows the mutex leaves nobody at its spin lock (its memory may be freed
 * then). Live: thread 1 gets in again and again, whatever the others do.
 * Run: spin -a mutex.pml && gcc -O2 -DSAFETY -o pan pan.c && ./pan
 *      spin -a mutex.pml && gcc -O2 -DNP -DNFAIR=4 -o pan pan.c && ./pan -l -f
 * Planted bugs: BUG1 who has waited long is called, not handed it; BUG2 who was called and
 * sleeps again leaves CALLED; BUG3 leave by one exchange though nobody was called; BUG4
 * a hand-over clears WAITED with a waiter left; BUG5 who was called takes it as who comes
 * does, without the spin lock; BUG6 who was called and takes it leaves CALLED.
 */
#ifndef NT
#define NT 3
#endif
byte owner, inside, known; bool waited, called, woken[NT + 1], late[NT + 1];
chan queue = [NT] of { byte }; chan spin = [NT] of { byte }; /* a ticket lock */

inline acquire() { spin ! me; spin ? <eval(me)> }
inline release() { spin ? eval(me) }
/* It is free, or another's, from here on. */
inline lets_go() { known--; assert(known > 0 || len(spin) == 0) }

proctype thread(byte me) { byte k;
  do
  :: known++;
     if   /* who comes: one exchange; bits stay as they are */
     :: atomic { owner == 0 -> owner = me; goto in }
     :: owner != 0
     fi;
     acquire();
     if
     :: atomic { owner == 0 -> owner = me }
     :: atomic { owner != 0 -> waited = true; late[me] = false; woken[me] = false; queue ! me };
again:  release();
        woken[me];
#ifdef BUG5
        atomic { if :: owner == 0 -> owner = me; called = false; waited = len(queue) > 1;
          queue ? eval(me); goto in :: else fi };
#endif
        acquire();
        if
        :: owner == me   /* handed over */
        :: atomic { owner == 0 -> owner = me; waited = len(queue) > 1;
#ifndef BUG6
             called = false;
#endif
             queue ? eval(me) }
        :: atomic { owner != me && owner != 0 -> woken[me] = false;
#ifndef BUG2
             called = false;
#endif
             goto again }
        fi
     fi;
     release();
in:  inside++; assert(inside == 1 && owner == me);
     if :: me == 1 -> progress: skip :: else fi;
     inside--;
     if
#ifdef BUG3
     :: atomic { owner = 0; lets_go() }
#else
     :: atomic { !waited || called -> owner = 0; lets_go() }
#endif
     :: waited && !called ->
        acquire(); assert(waited && !called && nempty(queue));
        queue ? <k>;
#ifndef BUG1
        if
        :: late[k] -> queue ? k;
#ifdef BUG4
           atomic { owner = k; waited = false; lets_go() }
#else
           atomic { owner = k; waited = nempty(queue); lets_go() }
#endif
        :: else ->
#endif
           atomic { called = true; owner = 0; lets_go() }
#ifndef BUG1
        fi;
#endif
        woken[k] = true; k = 0;
        release()
     fi
  od }
/* Whoever waits will have waited for a tick. */
proctype clock() { byte i = 1; do :: atomic { late[i] = true; i = (i % NT) + 1 } od }
init { atomic { byte i = 1; do :: i <= NT -> run thread(i); i++ :: else -> break od; i = 0; run clock() } }

/*
 * Problem: a sleeping lock that nobody waits for is taken and left by one exchange of its
 * word; one that somebody waits for is handed over under a spin lock (book: locks).
 * Modelled: the word of kern/rwlock.c, its spin lock, its queue; NT threads that enter and
 * leave twice, reading or writing.
 * Abstracted: sleeping is waiting for woken; the number of readers is at most NT.
 * Checked: writers are alone; nobody enters past a waiter; everybody gets in; the spin lock
 * is free of the old holder before the new one goes on (its memory may be freed then).
 * Run: spin -a lockword.pml && gcc -O2 -DSAFETY -o pan pan.c && ./pan
 * Planted bugs: BUG1 leave does not look for RW_WAITED; BUG2 a reader enters past it;
 * BUG3 RW_WAITED is set before the spin lock is taken; BUG4 admit clears it with a waiter left.
 */
#ifndef NT
#define NT 3
#endif
#define WRITTEN 8
#define WAITED 16
#ifdef BUG2
#define TAKES(w, wr) (wr -> (w == 0 -> WRITTEN : 0) : ((w & WRITTEN) == 0 -> w + 1 : 0))
#else
#define TAKES(w, wr) (wr -> (w == 0 -> WRITTEN : 0) : (w < 7 -> w + 1 : 0))
#endif
#define LESS(wr) (wr -> WRITTEN : 1)
byte word, readers, writers; bool spin; chan queue = [NT] of { byte }; bool woken[NT], writes[NT];

inline acquire() { atomic { !spin -> spin = true } }
inline admit() {
  atomic { held = word & 15;
    do
    :: len(queue) > 0 -> queue ? <k>;
       if
       :: TAKES(held, writes[k]) != 0 -> held = TAKES(held, writes[k]); queue ? k; woken[k] = true
       :: else -> break
       fi
    :: len(queue) == 0 -> break
    od;
#ifdef BUG4
    word = held; held = 0; k = 0 } }
#else
    word = held | (len(queue) > 0 -> WAITED : 0); held = 0; k = 0 } }
#endif

proctype thread(byte me) { byte n, seen, held, k; bool wr;
  do
  :: n == 2 -> break
  :: n < 2 -> n++;
     if :: wr = true :: wr = false fi;
     writes[me] = wr; woken[me] = false; seen = word;
     do   /* the exchange, again while others come and go and leave room for one more; who
           * finds no room, and nobody waiting, may look again */
     :: TAKES(seen, wr) == 0 -> break
     :: TAKES(seen, wr) == 0 && (seen & WAITED) == 0 && word != seen -> seen = word
     :: else ->
        if
        :: atomic { word == seen -> word = TAKES(seen, wr); assert(len(queue) == 0); goto in }
        :: atomic { word != seen -> seen = word }
        fi
     od;
#ifdef BUG3
     atomic { if :: TAKES(word, wr) == 0 -> word = word | WAITED :: else fi };
#endif
     acquire();
     atomic { seen = 0;
       if
       :: TAKES(word, wr) != 0 -> word = TAKES(word, wr); assert(len(queue) == 0)
       :: else -> word = word | WAITED; seen = 1
       fi };
     if
     :: seen == 1 -> queue ! me; spin = false; woken[me]; acquire()
     :: else
     fi;
     spin = false;
in:  seen = 0;
     atomic { if :: wr -> writers++ :: else -> readers++ fi;
       assert(writers <= 1 && (writers == 0 || readers == 0)) };
     atomic { if :: wr -> writers-- :: else -> readers-- fi };
     do
     :: seen = word;
#ifndef BUG1
        if :: (seen & WAITED) != 0 -> break :: else fi;
#endif
        if
        :: atomic { word == seen -> word = word - LESS(wr); goto left }
        :: word != seen
        fi
     od;
     acquire(); assert((word & WAITED) != 0);
     word = word - LESS(wr);
     admit();
     spin = false;
left: seen = 0
  od }
init { atomic { byte i; do :: i < NT -> run thread(i); i++ :: else -> break od; i = 0 } }

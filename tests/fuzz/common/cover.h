/* cover.h - which parts of the code under test a case has reached.
 *
 * Code that is compiled for it (fuzz_traced() in tests/fuzz/CMakeLists.txt) calls __sanitizer_cov_trace_pc() in each of
 * its blocks. One process, one thread that runs such code. */
#ifndef VX86_TESTS_FUZZ_COVER_H
#define VX86_TESTS_FUZZ_COVER_H

void cover_begin(void);
/* The next part of the case: of each part only the first 65536 blocks are noted, since loops over much memory have
 * nothing new to say and would take most of the time. */
void cover_step(void);
/* How many places, or numbers of times at one place, there were since cover_begin() that were never before; 0: nothing
 * new. They are remembered. */
unsigned cover_end(void);
/* How many places there were so far. */
unsigned cover_places(void);

#endif

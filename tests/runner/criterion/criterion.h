/* criterion.h - the part of Criterion's interface that the tests use, for builds whose compiler has no Criterion:
 * static ones and those for other hosts. Every test runs in a process of its own (runner.c).
 *
 * cr_assert_*() end the test where they fail, cr_expect_*() go on. All may have a message of printf() behind. */
#ifndef VX86_TESTS_RUNNER_CRITERION_H
#define VX86_TESTS_RUNNER_CRITERION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct runner_test {
    const char *suite, *name;
    void (*run)(void);
    struct runner_options {
        double timeout; /* seconds; 0: none */
    } options;
    struct runner_test *next;
};

void runner_add(struct runner_test *test);
/* The running test has failed at that place; `fatal` ends it. The message is printf()'s, with a blank in front. */
void runner_failed(bool fatal, const char *file, int line, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
_Noreturn void runner_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Its names begin as no function of ours does. */
#define Test(in_suite, of_name, ...)                                                       \
    static void runner_test_##in_suite##_##of_name(void);                                  \
    __attribute__((constructor)) static void runner_add_##in_suite##_##of_name(void)       \
    {                                                                                      \
        static struct runner_test test = {                                                 \
            #in_suite, #of_name, runner_test_##in_suite##_##of_name, { __VA_ARGS__ }, NULL \
        };                                                                                 \
        runner_add(&test);                                                                 \
    }                                                                                      \
    static void runner_test_##in_suite##_##of_name(void)

#define RUNNER_CHECK(fatal, what, condition, ...) \
    ((condition) ? (void)0 : runner_failed(fatal, __FILE__, __LINE__, what, " " __VA_ARGS__))

#define RUNNER_EMPTY(text) ((text)[0] == '\0')

#define cr_skip_test(...)   runner_skip(" " __VA_ARGS__)
#define cr_assert_fail(...) RUNNER_CHECK(true, "fail", false, __VA_ARGS__)

#define cr_assert(condition, ...)          RUNNER_CHECK(true, #condition, (condition), __VA_ARGS__)
#define cr_assert_not(condition, ...)      RUNNER_CHECK(true, "!(" #condition ")", !(condition), __VA_ARGS__)
#define cr_assert_null(a, ...)             RUNNER_CHECK(true, #a " == NULL", (a) == NULL, __VA_ARGS__)
#define cr_assert_not_null(a, ...)         RUNNER_CHECK(true, #a " != NULL", (a) != NULL, __VA_ARGS__)
#define cr_assert_eq(a, b, ...)            RUNNER_CHECK(true, #a " == " #b, (a) == (b), __VA_ARGS__)
#define cr_assert_neq(a, b, ...)           RUNNER_CHECK(true, #a " != " #b, (a) != (b), __VA_ARGS__)
#define cr_assert_lt(a, b, ...)            RUNNER_CHECK(true, #a " < " #b, (a) < (b), __VA_ARGS__)
#define cr_assert_leq(a, b, ...)           RUNNER_CHECK(true, #a " <= " #b, (a) <= (b), __VA_ARGS__)
#define cr_assert_gt(a, b, ...)            RUNNER_CHECK(true, #a " > " #b, (a) > (b), __VA_ARGS__)
#define cr_assert_geq(a, b, ...)           RUNNER_CHECK(true, #a " >= " #b, (a) >= (b), __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)        RUNNER_CHECK(true, #a " equals " #b, strcmp(a, b) == 0, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...)       RUNNER_CHECK(true, #a " differs from " #b, strcmp(a, b) != 0, __VA_ARGS__)
#define cr_assert_str_empty(a, ...)        RUNNER_CHECK(true, #a " is empty", RUNNER_EMPTY(a), __VA_ARGS__)
#define cr_assert_arr_eq(a, b, bytes, ...) RUNNER_CHECK(true, #a " equals " #b, memcmp(a, b, bytes) == 0, __VA_ARGS__)
#define cr_assert_float_eq(a, b, most, ...) \
    RUNNER_CHECK(true, #a " is about " #b, __builtin_fabs((a) - (b)) <= (most), __VA_ARGS__)

#define cr_expect(condition, ...)     RUNNER_CHECK(false, #condition, (condition), __VA_ARGS__)
#define cr_expect_not(condition, ...) RUNNER_CHECK(false, "!(" #condition ")", !(condition), __VA_ARGS__)
#define cr_expect_null(a, ...)        RUNNER_CHECK(false, #a " == NULL", (a) == NULL, __VA_ARGS__)
#define cr_expect_not_null(a, ...)    RUNNER_CHECK(false, #a " != NULL", (a) != NULL, __VA_ARGS__)
#define cr_expect_eq(a, b, ...)       RUNNER_CHECK(false, #a " == " #b, (a) == (b), __VA_ARGS__)
#define cr_expect_neq(a, b, ...)      RUNNER_CHECK(false, #a " != " #b, (a) != (b), __VA_ARGS__)
#define cr_expect_lt(a, b, ...)       RUNNER_CHECK(false, #a " < " #b, (a) < (b), __VA_ARGS__)
#define cr_expect_gt(a, b, ...)       RUNNER_CHECK(false, #a " > " #b, (a) > (b), __VA_ARGS__)
#define cr_expect_geq(a, b, ...)      RUNNER_CHECK(false, #a " >= " #b, (a) >= (b), __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...)   RUNNER_CHECK(false, #a " equals " #b, strcmp(a, b) == 0, __VA_ARGS__)

#endif

/* SPDX-License-Identifier: Apache-2.0
 * A whole program: heat spreads along a rod, its points spread over threads by OpenMP.
 *
 *     cc -O3 -fopenmp docs/examples/openmp_heat.c -o heat
 *     serialprof run --width 16Ki,64Ki,256Ki,1Mi --depth 400 -- ./heat {threads} {width} {depth}
 *
 * One step needs the temperatures of the step before; within a step all points are independent. serialprof runs the
 * program at several depths, and takes its start-up off by their difference.
 */
#include <stdio.h>
#include <stdlib.h>

#include <omp.h>

int main(int count, char **words) {
    if (count != 4) {
        fprintf(stderr, "usage: %s THREADS POINTS STEPS\n", words[0]);
        return 2;
    }
    omp_set_num_threads(atoi(words[1]));
    long points = atol(words[2]), steps = atol(words[3]);
    double *now = calloc(points + 2, sizeof *now), *next = calloc(points + 2, sizeof *next);
    if (!now || !next) return 1;
    now[0] = next[0] = 1.0; /* one end is kept hot */

    for (long step = 0; step < steps; step++) {
#pragma omp parallel for
        for (long point = 1; point <= points; point++)
            next[point] = now[point] + 0.25 * (now[point - 1] - 2 * now[point] + now[point + 1]);
        double *last = now;
        now = next;
        next = last;
    }
    printf("%g\n", now[1]);
    return 0;
}

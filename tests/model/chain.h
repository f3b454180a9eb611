/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session as one prediction: each case starts from what was predicted for the
 * one before, not from what was recorded, as long as the two were equal.
 */
#pragma once

#include "case.h"

struct chain;

struct chain *chain_new(void);
void chain_free(struct chain *c);
/* The next case starts from its own recording. */
void chain_break(struct chain *c);
/*
 * Judges a case and takes it over, read or not.  True when it started from the prediction before
 * it.  What is plugged in is in its own recording only, so such a case does not.
 */
bool chain_judge(struct chain *c, struct recorded_case *next, struct case_judgement *ret);

/* The HTML page around its data, made at build time by embed.py from the other files of this folder. */
#ifndef JARGON_EVAL_PAGE_H
#define JARGON_EVAL_PAGE_H

extern const char PAGE_HEAD[]; /* up to the JSON document */
extern const char PAGE_TAIL[]; /* after it */

#endif

/* gdb_points.c - Z and z: the client's breakpoints and watchpoints as points of the debugger's core. Type 0 (software)
 * is the same as 1 (hardware): nothing is written into the guest. */
#include <stdlib.h>

#include "gdb_private.h"

/* TYPE,ADDRESS,KIND: KIND is the length of a watched range, or how long a breakpoint instruction would be. */
static bool parse(const char **at, struct gdb_point *point)
{
    *point = (struct gdb_point){ .type = **at };
    if (point->type < '0' || point->type > '4')
        return false;
    ++*at;
    bool done = gdb_take_char(at, ',') && gdb_take_hex(at, &point->lin) && gdb_take_char(at, ',') &&
                gdb_take_hex(at, &point->bytes);
    if (done && point->type < '2')
        point->bytes = 1;
    return done && point->lin <= UINT32_MAX && point->bytes != 0 && point->bytes - 1 <= UINT32_MAX - point->lin;
}

static struct gdb_point *find(struct gdb *gdb, const struct gdb_point *like)
{
    for (unsigned i = 0; i < gdb->points; i++)
        if (gdb->point[i].type == like->type && gdb->point[i].lin == like->lin && gdb->point[i].bytes == like->bytes)
            return &gdb->point[i];
    return NULL;
}

/* Room for one more; false: no memory. */
static bool make_room(struct gdb *gdb)
{
    unsigned room = gdb->room != 0 ? 2 * gdb->room : 16;
    struct gdb_point *point;
    if (gdb->points < gdb->room)
        return true;
    if ((point = realloc(gdb->point, room * sizeof *point)) == NULL)
        return false;
    gdb->point = point;
    gdb->room = room;
    return true;
}

void gdb_point_insert(struct gdb *gdb, const char *at)
{
    static const uint8_t access[] = { 0, 0, VX_WATCH_WRITE, VX_WATCH_READ, VX_WATCH_READ | VX_WATCH_WRITE };
    struct gdb_point point;
    char type = *at;
    bool fine = parse(&at, &point);
    if (type > '4') {
        gdb_reply_begin(&gdb->reply);
        gdb_send(gdb);                 /* no such type: the empty reply */
    } else if (!fine || *at != '\0') { /* conditions and commands are not offered */
        gdb_error(gdb, GDB_E_SYNTAX);
    } else if (find(gdb, &point) != NULL) {
        gdb_ok(gdb);
    } else {
        point.number = vx_debug_add_point(
            gdb->debug, &(struct vx_debug_point){ .kind = point.type < '2' ? VX_POINT_EXEC : VX_POINT_WATCH,
                                                  .enabled = true,
                                                  .access = access[point.type - '0'],
                                                  .first = point.lin,
                                                  .last = point.lin + point.bytes - 1 });
        if (point.number == 0 || !make_room(gdb)) {
            vx_debug_remove_point(gdb->debug, point.number);
            gdb_error(gdb, GDB_E_MEMORY);
            return;
        }
        gdb->point[gdb->points++] = point;
        gdb_ok(gdb);
    }
}

static void drop(struct gdb *gdb, struct gdb_point *point)
{
    vx_debug_remove_point(gdb->debug, point->number);
    *point = gdb->point[--gdb->points];
}

void gdb_point_remove(struct gdb *gdb, const char *at)
{
    struct gdb_point point, *own;
    if (!parse(&at, &point) || *at != '\0') {
        gdb_error(gdb, GDB_E_SYNTAX);
        return;
    }
    own = find(gdb, &point);
    if (own != NULL)
        drop(gdb, own);
    gdb_ok(gdb);
}

void gdb_points_forget(struct gdb *gdb)
{
    while (gdb->points > 0)
        drop(gdb, &gdb->point[gdb->points - 1]);
    free(gdb->point);
    gdb->point = NULL;
    gdb->room = 0;
}

const struct gdb_point *gdb_point_of(const struct gdb *gdb, unsigned number)
{
    for (unsigned i = 0; i < gdb->points; i++)
        if (gdb->point[i].number == number)
            return &gdb->point[i];
    return NULL;
}

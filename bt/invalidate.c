/* invalidate.c - takes units out of use. */
#include "invalidate.h"

void bt_invalidate(struct vx_bt *bt, struct bt_tu *tu, enum bt_end end)
{
    bt_note_end(bt, tu, end);
    tu->dead = true;
    bt_unchain_unit(bt, tu);
    bt_hash_remove(bt, tu);
    bt_jc_remove(bt, tu);
    bt_page_remove(bt, tu);
    bt->must_exit = true;
}

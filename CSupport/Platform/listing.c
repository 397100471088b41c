// The files in a folder, in order of name.
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "include/platform.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// A folder is walked through twice: for the memory that its names take, then for the names.
typedef struct {
    rb_listing listing;
    char *text; // NULL: names are only counted
    size_t text_bytes;
    size_t most, most_bytes; // there is room for; the folder may have become larger meanwhile
} walk;

static void take(void *context, const char *name) {
    walk *walk = context;
    rb_listing *listing = &walk->listing;
    struct stat file;
    if (name[0] == '.') {
        listing->hidden++;
    } else if (fstatat(listing->folder, name, &file, 0) == 0 && S_ISDIR(file.st_mode)) {
        listing->folders++;
    } else {
        const size_t bytes = strlen(name) + 1;
        if (walk->text != NULL) {
            if (listing->count == walk->most || bytes > walk->most_bytes - walk->text_bytes) {
                return;
            }
            listing->names[listing->count] = memcpy(walk->text + walk->text_bytes, name, bytes);
        }
        listing->count++;
        walk->text_bytes += bytes;
    }
}

static int compare(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int32_t list(int32_t folder, rb_listing *listing) {
    walk counting = {.listing = {.folder = folder}};
    int32_t status = rb_each_name(folder, take, &counting);
    if (status != 0) {
        return status;
    }
    walk naming = {.listing = {.folder = folder}, .most = counting.listing.count, .most_bytes = counting.text_bytes};
    const size_t pointers = naming.most * sizeof(char *);
    status = rb_map_memory(pointers + naming.most_bytes + 1, &naming.listing.memory);
    if (status != 0) {
        return status;
    }
    naming.listing.names = (const char **)naming.listing.memory.bytes;
    naming.text = (char *)naming.listing.memory.bytes + pointers;
    status = rb_each_name(folder, take, &naming);
    if (status != 0) {
        rb_unmap(&naming.listing.memory);
        return status;
    }
    *listing = naming.listing;
    qsort(listing->names, listing->count, sizeof *listing->names, compare);
    return 0;
}

int32_t rb_list_files(const char *path, rb_listing *listing) {
    const int32_t folder = rb_open_input_folder(path);
    if (folder < 0) {
        return folder;
    }
    const int32_t status = list(folder, listing);
    if (status != 0) {
        rb_close(folder);
    }
    return status;
}

void rb_free_listing(rb_listing *listing) {
    rb_close(listing->folder);
    rb_unmap(&listing->memory);
}

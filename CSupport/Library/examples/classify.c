// classify MODEL PICTURE.ppm...: what a model says of pictures, as `rarebit classify` does. The whole use of
// librarebit:
//
//     cc classify.c $(pkg-config --cflags --libs --static rarebit) -o classify
#include <rarebit.h>
#include <stdio.h>
#include <stdlib.h>

static rarebit_error error;

// Memory as the library wants it. Ends the program where there is none: a program of your own may have its memory
// elsewhere.
static void *memory_of(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!memory) {
        fprintf(stderr, "classify: no memory for %zu bytes\n", bytes);
        exit(1);
    }
    return memory;
}

static void check(int32_t code) {
    if (code != RAREBIT_OK) {
        fprintf(stderr, "classify: %s\n", error.text);
        exit(1);
    }
}

static void classify(rarebit_engine *engine, const rarebit_model *model, const char *path) {
    rarebit_geometry geometry = {.format = RAREBIT_RGB24};
    FILE *file = fopen(path, "rb");
    if (!file || fscanf(file, "P6 %d %d 255", &geometry.width, &geometry.height) != 2 || fgetc(file) == EOF) {
        fprintf(stderr, "classify: %s: no PPM picture of 8 bits\n", path);
        exit(1);
    }
    size_t bytes;
    rarebit_view view; // a camera's frames are all of one size, and need it once
    check(rarebit_view_bytes(model, &geometry, &bytes, &error));
    void *workspace = memory_of(bytes);
    check(rarebit_view_start(&view, model, &geometry, workspace, bytes, &error));

    const size_t picture_bytes = 3 * (size_t)geometry.width * (size_t)geometry.height;
    void *pixels = memory_of(picture_bytes);
    const rarebit_picture picture = {.data = {pixels}, .bytes = {fread(pixels, 1, picture_bytes, file)}};
    fclose(file);
    rarebit_answer answer;
    check(rarebit_show(engine, &view, &picture, &error));
    check(rarebit_run(engine, NULL, &answer, &error));
    printf("%s: logits %08x", path, answer.logits_crc);
    for (int32_t i = 0; i < answer.count; i++) {
        const char *name = rarebit_class_name(model, answer.classes[i].class_index, &bytes);
        printf(", %.*s %.3f", (int)bytes, name, (double)answer.classes[i].probability);
    }
    putchar('\n');
    free(pixels);
    free(workspace);
}

int main(int count, char **arguments) {
    rarebit_model model = {0};
    rarebit_engine engine;
    if (count < 3) {
        fprintf(stderr, "usage: classify MODEL PICTURE.ppm...\n");
        return 2;
    }
    check(rarebit_open(&model, arguments[1], &error));
    size_t bytes;
    check(rarebit_arena_bytes(&model, NULL, &bytes, &error));
    void *arena = memory_of(bytes);
    check(rarebit_start(&engine, &model, NULL, arena, bytes, &error));
    for (int i = 2; i < count; i++) {
        classify(&engine, &model, arguments[i]);
    }
    rarebit_stop(&engine);
    rarebit_close(&model);
    free(arena);
}

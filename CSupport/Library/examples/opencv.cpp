// opencv MODEL PICTURE...: what a model says of pictures that OpenCV reads; a cv::VideoCapture's frames are such
// pictures, too.
//
//     c++ -std=c++17 opencv.cpp $(pkg-config --cflags --libs rarebit opencv4) -o opencv
#include <cstdio>
#include <memory>
#include <new>
#include <opencv2/imgcodecs.hpp>
#include <rarebit.h>
#include <stdexcept>

// Throws the library's line where a function fails.
static rarebit_error error;
static void check(int32_t code) {
    if (code != RAREBIT_OK) {
        throw std::runtime_error(error.text);
    }
}

struct Free {
    void operator()(void *memory) const { ::operator delete (memory, std::align_val_t{64}); }
};
using Memory = std::unique_ptr<void, Free>;
static Memory memory_of(size_t bytes) {
    return Memory(::operator new (bytes, std::align_val_t{64}));
}

class Classifier {
  public:
    explicit Classifier(const char *path) {
        check(rarebit_open(&model, path, &error));
        size_t bytes;
        check(rarebit_arena_bytes(&model, nullptr, &bytes, &error));
        arena = memory_of(bytes);
        check(rarebit_start(&engine, &model, nullptr, arena.get(), bytes, &error));
    }
    ~Classifier() {
        rarebit_stop(&engine);
        rarebit_close(&model);
    }
    // The structures must not move.
    Classifier(const Classifier &) = delete;
    Classifier &operator=(const Classifier &) = delete;

    // Of a picture in OpenCV's colours, 8 bits, rows with or without gaps.
    rarebit_answer operator()(const cv::Mat &image) {
        if (image.type() != CV_8UC3) {
            throw std::invalid_argument("a picture of three times 8 bits is needed");
        }
        if (image.size() != size) { // a camera's frames are all of one size
            rarebit_geometry geometry = {};
            geometry.format = RAREBIT_BGR24;
            geometry.width = image.cols;
            geometry.height = image.rows;
            size_t bytes;
            check(rarebit_view_bytes(&model, &geometry, &bytes, &error));
            workspace = memory_of(bytes);
            check(rarebit_view_start(&view, &model, &geometry, workspace.get(), bytes, &error));
            size = image.size();
        }
        rarebit_picture picture = {};
        picture.data[0] = image.data;
        picture.stride[0] = static_cast<int32_t>(image.step);
        picture.bytes[0] =
            image.step * static_cast<size_t>(image.rows - 1) + image.elemSize() * static_cast<size_t>(image.cols);
        rarebit_answer answer;
        check(rarebit_show(&engine, &view, &picture, &error));
        check(rarebit_run(&engine, nullptr, &answer, &error));
        return answer;
    }

    std::string name(int32_t class_index) const {
        size_t bytes;
        const char *text = rarebit_class_name(&model, class_index, &bytes);
        return std::string(text, bytes);
    }

  private:
    rarebit_model model = {};
    rarebit_engine engine = {};
    rarebit_view view;
    Memory arena, workspace;
    cv::Size size;
};

int main(int count, char **arguments) try {
    if (count < 3) {
        std::fprintf(stderr, "usage: opencv MODEL PICTURE...\n");
        return 2;
    }
    Classifier classify(arguments[1]);
    for (int i = 2; i < count; i++) {
        const cv::Mat image = cv::imread(arguments[i]);
        if (image.empty()) {
            throw std::runtime_error(std::string(arguments[i]) + ": no picture that OpenCV reads");
        }
        const rarebit_answer answer = classify(image);
        std::printf("%s: logits %08x", arguments[i], answer.logits_crc);
        for (int32_t place = 0; place < answer.count; place++) {
            std::printf(", %s %.3f", classify.name(answer.classes[place].class_index).c_str(),
                        static_cast<double>(answer.classes[place].probability));
        }
        std::putchar('\n');
    }
} catch (const std::exception &fault) {
    std::fprintf(stderr, "opencv: %s\n", fault.what());
    return 1;
}

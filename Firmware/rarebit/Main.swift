@main
struct Rarebit {
    static func main() {}
}

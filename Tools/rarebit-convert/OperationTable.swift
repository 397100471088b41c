import Foundation
import Inference
import ModelFormat
import Quantization

/// Every operation of a model in a line: what it is, shapes, work, bytes, and the kernel that would run it here.
func operationTable(of model: Model, path: ExecutionPath) -> String {
    var rows = [["operation", "kind", "input", "output", "window", "MMAC", "weights", "scratch", "kernel"]]
    for index in 0..<model.operationCount {
        let operation = model.operation(index)
        rows.append([
            String(decoding: model.operationName(index), as: UTF8.self), kind(of: operation),
            shape(operation.input), shape(operation.output), window(of: operation),
            String(format: "%.2f", Double(operation.multiplyAccumulates) / 1e6), "\(operation.weightBytes)",
            "\(operation.scratchBytes)", operation.kernelName(path: path).map { String(cString: $0.start) } ?? "-",
        ])
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
    // Numbers stand to the right.
    let numbers = 5...7
    return rows.map { row in
        let cells = row.indices.map { column in
            numbers.contains(column) ? row[column].aligned(to: widths[column]) : row[column].padded(to: widths[column])
        }
        return ("  " + cells.joined(separator: "  ")).trimmingSuffix(" ")
    }.joined(separator: "\n")
}

func kind(of operation: OperationRecord) -> String {
    let name = "\(operation.kind.name)"
    let groups = operation.groups
    let grouping = groups <= 1 ? "" : groups == operation.input.channels ? "depthwise " : "\(groups)-group "
    return grouping + name + (operation.residual.height > 0 ? " + residual" : "")
}

/// Width, height and channels, as pictures are described.
func shape(_ view: TensorView) -> String {
    view.height == 0 ? "\(view.channels) features" : "\(view.width) x \(view.height) x \(view.channels)"
}

private func window(of operation: OperationRecord) -> String {
    guard operation.kernelHeight > 0 else { return "-" }
    let stride = operation.strideX == 1 && operation.strideY == 1 ? "" : " / \(operation.strideX)"
    let dilation = operation.dilationX > 1 ? " dilated \(operation.dilationX)" : ""
    return "\(operation.kernelWidth) x \(operation.kernelHeight)\(stride)\(dilation)"
}

extension String {
    fileprivate func trimmingSuffix(_ character: Character) -> String {
        String(reversed().drop { $0 == character }.reversed())
    }
}

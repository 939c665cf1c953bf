"""The data sets by name: what they are, how they lie on disk, where they come from."""

from __future__ import annotations

from dataclasses import dataclass

from msenas.data import cifar, event_folders, gesture, tonic_copies
from msenas.data.archive import Archive
from msenas.data.dataset import Kind
from msenas.data.decoded import Layout
from msenas.data.idx import DIGITS, FASHION, idx
from msenas.data.images import image_folders
from msenas.data.npz import npz


@dataclass(frozen=True)
class Entry:
    """What is known about a data set before any file is seen.

    Attributes:
        title: what it shows, in a few words.
        kind: "image" or "events".
        classes: number of classes; None if the files decide.
        shape: channels, height and width at the sensor or in the file; None if the files decide.
        folders: names that its folder usually has, inside a folder of data sets.
        layouts: the ways in which it may lie on disk, in order of preference.
        archives: what can be downloaded, by the software or (without a URL) by hand.
        source: page that describes it.
    """

    title: str
    kind: Kind
    classes: int | None = None
    shape: tuple[int, int, int] | None = None
    folders: tuple[str, ...] = ()
    layouts: tuple[Layout, ...] = ()
    archives: tuple[Archive, ...] = ()
    source: str = ""

    @property
    def tree(self) -> str:
        """The files that are looked for, in words."""
        return "; or ".join(layout.tree for layout in self.layouts) or "comes with the software"


def images(
    name: str,
    title: str,
    classes: int,
    shape: tuple[int, int, int],
    folders: tuple[str, ...],
    layouts: tuple[Layout, ...],
    archives: tuple[Archive, ...],
    source: str,
) -> Entry:
    """A published set of images: its own layouts, then class folders, then an npz."""
    common = (image_folders(classes, shape), npz(name, classes, shape))
    return Entry(title, "image", classes, shape, folders, (*layouts, *common), archives, source)


CIFAR_PAGE = "https://www.cs.toronto.edu/~kriz/cifar.html"
CIFAR_FILES = "https://www.cs.toronto.edu/~kriz/"
MNIST_FILES = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FASHION_FILES = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
NMNIST_FILES = "https://data.mendeley.com/public-files/datasets/468j46mzdv/files/"
FIGSHARE = "https://api.figshare.com/v2/file/download/"


def idx_archives(url: str, folder: str, files: tuple[tuple[str, str, int], ...]) -> tuple[Archive, ...]:
    """The four gzipped idx files, which are read as they are."""
    return tuple(
        Archive(f"{stem}-ubyte.gz", md5, size, f"{url}{stem}-ubyte.gz", folder, f"{stem}-ubyte.gz")
        for stem, md5, size in files
    )


MNIST_ARCHIVES = idx_archives(
    MNIST_FILES,
    "MNIST/raw",
    (
        ("train-images-idx3", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
        ("train-labels-idx1", "d53e105ee54ea40749a09fcbcd1e9432", 28_881),
        ("t10k-images-idx3", "9fb629c4189551a2d022fa330f9573f3", 1_648_877),
        ("t10k-labels-idx1", "ec29112dd5afa0611ce80d1b7f02629c", 4_542),
    ),
)
FASHION_ARCHIVES = idx_archives(
    FASHION_FILES,
    "FashionMNIST/raw",
    (
        ("train-images-idx3", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
        ("train-labels-idx1", "25c81989df183df01b3e8a0aad5dffbe", 29_515),
        ("t10k-images-idx3", "bef4ecab320f06d8554ea6380940ec79", 4_422_102),
        ("t10k-labels-idx1", "bb300cfdad3c16e7a12a480ee83cd310", 5_148),
    ),
)
CIFAR10_ARCHIVE = Archive(
    "cifar-10-binary.tar.gz",
    "c32a1d4ab5d03f1284b67883e8d87530",
    170_052_171,
    f"{CIFAR_FILES}cifar-10-binary.tar.gz",
    makes="cifar-10-batches-bin",
)
CIFAR100_ARCHIVE = Archive(
    "cifar-100-binary.tar.gz",
    "03b5dce01913d631647c71ecec9e9cb8",
    168_513_733,
    f"{CIFAR_FILES}cifar-100-binary.tar.gz",
    makes="cifar-100-binary",
)
NMNIST_ARCHIVES = (
    Archive(
        "train.zip",
        "20959b8e626244a1b502305a9e6e2031",
        1_100_000_000,
        f"{NMNIST_FILES}39c25547-014b-4137-a934-9d29fa53c7a0/file_downloaded",
        "NMNIST",
        "Train",
    ),
    Archive(
        "test.zip",
        "69ca8762b2fe404d9b9bad1103e97832",
        180_000_000,
        f"{NMNIST_FILES}05a4d654-7e03-4c15-bdfa-9bb2bcbea494/file_downloaded",
        "NMNIST",
        "Test",
    ),
)
GESTURE_ARCHIVES = (
    Archive(
        "ibmGestureTrain.tar.gz",
        "3a8f0d4120a166bac7591f77409cb105",
        2_400_000_000,
        f"{FIGSHARE}38022171",
        "DVSGesture",
        "ibmGestureTrain",
    ),
    Archive(
        "ibmGestureTest.tar.gz",
        "56070e45dadaa85fff82e0fbfbc06de5",
        691_000_000,
        f"{FIGSHARE}38020584",
        "DVSGesture",
        "ibmGestureTest",
    ),
    Archive("DvsGesture.tar.gz", "8a5c71fb11e24e5ca5b11866ca6c00a1", 3_200_000_000, None),
)
CIFAR10DVS_ARCHIVE = Archive(
    "CIFAR10DVS.zip",
    "ce3a4a0682dc0943703bd8f749a7701c",
    11_200_000_000,
    f"{FIGSHARE}38023437",
    "CIFAR10DVS",
    "airplane",
)

DATASETS: dict[str, Entry] = {
    "digits": Entry("handwritten digits of scikit-learn", "image", 10, (1, 8, 8)),
    "mnist": images(
        "mnist",
        "MNIST, handwritten digits",
        10,
        (1, 28, 28),
        ("MNIST/raw", "MNIST"),
        (idx(DIGITS),),
        MNIST_ARCHIVES,
        "http://yann.lecun.com/exdb/mnist/",
    ),
    "fashion-mnist": images(
        "fashion-mnist",
        "Fashion-MNIST, pieces of clothing",
        10,
        (1, 28, 28),
        ("FashionMNIST/raw", "FashionMNIST"),
        (idx(FASHION),),
        FASHION_ARCHIVES,
        "https://github.com/zalandoresearch/fashion-mnist",
    ),
    "cifar10": images(
        "cifar10",
        "CIFAR-10, photographs of 10 kinds of things",
        10,
        (3, 32, 32),
        ("cifar-10-batches-bin", "cifar-10-batches-py"),
        (cifar.CIFAR10_BINARY, cifar.CIFAR10_PICKLED),
        (CIFAR10_ARCHIVE,),
        CIFAR_PAGE,
    ),
    "cifar100": images(
        "cifar100",
        "CIFAR-100, photographs of 100 kinds of things",
        100,
        (3, 32, 32),
        ("cifar-100-binary", "cifar-100-python"),
        (cifar.CIFAR100_BINARY, cifar.CIFAR100_PICKLED),
        (CIFAR100_ARCHIVE,),
        CIFAR_PAGE,
    ),
    "nmnist": Entry(
        "N-MNIST, MNIST digits seen by a moving event camera",
        "events",
        10,
        (2, 34, 34),
        ("NMNIST",),
        (tonic_copies.NMNIST, event_folders.NMNIST_FOLDERS),
        NMNIST_ARCHIVES,
        "https://www.garrickorchard.com/datasets/n-mnist",
    ),
    "cifar10-dvs": Entry(
        "CIFAR10-DVS, CIFAR-10 photographs seen by an event camera",
        "events",
        10,
        (2, 128, 128),
        ("CIFAR10DVS",),
        (tonic_copies.CIFAR10DVS, event_folders.CIFAR10DVS_FOLDERS),
        (CIFAR10DVS_ARCHIVE,),
        "https://figshare.com/articles/dataset/CIFAR10-DVS_New/4724671",
    ),
    "dvs128-gesture": Entry(
        "DVS128-Gesture, gestures seen by an event camera",
        "events",
        11,
        (2, 128, 128),
        ("DVSGesture", "DvsGesture"),
        (tonic_copies.GESTURE, gesture.NPY, gesture.ORIGINAL),
        GESTURE_ARCHIVES,
        "https://research.ibm.com/interactive/dvsgesture/",
    ),
    "event-folder": Entry(
        "your own event recordings in class folders", "events", layouts=(event_folders.own_folders(),)
    ),
    "image-folder": Entry("your own images in class folders", "image", layouts=(image_folders(),)),
    "npz": Entry("your own images in a numpy archive", "image", layouts=(npz(),)),
}
